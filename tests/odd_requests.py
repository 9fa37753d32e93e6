"""The rows of test_smuggling.py: requests that no browser sends, byte for byte, by name."""

from __future__ import annotations

import gzip

CALLBACK = "_dash-update-component"

METHODS = [
    "post", "PoSt", "pOST", "PUT", "PATCH", "DELETE", "GET", "HEAD", "OPTIONS", "QUERY", "get", "CONNECT", "P\u00d6ST",
    "POST\t",
]
OVERRIDES = ["X-HTTP-Method-Override: POST", "X-HTTP-Method: POST", "X-Method-Override: POST"]

# What stands behind POST; CB is _dash-update-component.
TARGETS = """
    /CB?endId=1 /CB? /CB?? /CB?a=%00&a=%zz /CB?a=/_dash-layout /?/CB /x?/CB ?/CB /CB&x /CB%3F /CB%3Fa=b
    /%5Fdash-update-component /%255Fdash-update-component /_dash%2Dupdate-component /_dash%2dupdate-component %2FCB
    /%2FCB /a%2FCB /a%2fCB /%252FCB /a/b%2Fc/CB //CB ///CB //app.test/CB /./CB /%2e/CB /x/../CB /x/%2e%2e/CB /CB/../CB
    /CB/ /CB// /CB/. /CB/.. /CB/x/.. /CB/%2e%2e/CB/ /CB;a=b /;/CB /a;b/CB /CB%3Ba /CB%00 /%00/CB /CB%20 /CB%09 /CB%0a
    /CB%0d%0a /CB%0A /CB/%0a /x%0a/CB /CB# /CB#a /CB#/../x /CB%23a /#/CB /\\CB \\CB /CB\\ /_DASH-UPDATE-COMPONENT
    /CB%C0%AF /%C0%AFCB /CB% /CB%2 /CB%zz /CB\x80 /\xe9/CB /%c3%a9/CB /%ef%bc%bfdash-update-component /CB%E2%80%8B
    /%ff/CB /CB%ff /CB\x7f /CB\x01 CB * /x_dash-update-component http://app.test/CB http://other.test/CB
    HTTP://app.test/CB https://app.test/CB http://app.test:81/CB http://a:b@app.test/CB http:/CB http:///CB x:/CB
    x://h/CB http://app.test//CB http://app.test/CB/ http://app.test/%5Fdash-update-component http://app.test
    http://[::1]/CB http://[/CB http://app.test?/CB //x:/CB :/CB
""".replace("CB", CALLBACK).split()

# A scheme with no slash behind it: net/http reads no path in these.
OPAQUE = """
    http:CB x:CB x:%2FCB x:%2fCB x:y/CB x:http://app.test/CB x:http:/CB x:http:%2FCB x:.%2FCB x:#/CB x:;/CB x:a?b#/CB
""".replace("CB", CALLBACK).split()

VERSIONS = [
    "HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "HTTP/1.1 ", " HTTP/1.1", "HTTP/01.1", "http/1.1", "HTTP/1.1\x0b",
    "ICE/1.1",
]

# Header lines beside a good request's.
HEADERS = [
    "Expect: 100-continue", "Expect: 100-Continue", "Expect: other", "Expect:", "Connection: close, X-Hop\r\nX-Hop: 1",
    "Connection: Content-Length", "Connection: Content-Type", "Connection: Host", "Connection: Transfer-Encoding",
    "Connection: Cookie\r\nCookie: a=b", "Connection: keep-alive, upgrade\r\nUpgrade: h2c",
    "Connection: Upgrade\r\nUpgrade: websocket", "Upgrade: websocket", "Keep-Alive: 5", "Proxy-Connection: keep-alive",
    "TE: trailers", "TE: trailers, gzip", "Trailer: X-Sum", "Trailer: Content-Length", "Via: 1.1 other",
    "Forwarded: host=x", "X-Forwarded-Host: x", "X-Forwarded-For: 1.2.3.4", "X-Forwarded-Proto: https",
    "X-Forwarded-Prefix: /x", "X-Original-URL: /", "X-Rewrite-URL: /", "SCRIPT_NAME: /x", "Script-Name: /x",
    "PATH_INFO: /", "Content_Length: 1", "Transfer_Encoding: chunked", "X-Empty:", ": x", "No-Colon", "X Space: 1",
    "X-Space : 1", "Content-Length : 1", "X-Tab:\t1\t", "X-Fold: 1\r\n 2", "X-Fold: 1\r\n\t2", " X-First: 1",
    "X-Latin: \xe9\xff", "X-Utf8: \u00c3\u00a9", "X-Nul: a\0b", "X-Del: \x7f", "X-Ctl: \x01", "X-CR: a\rb",
    "X-LF: a\nX-LF2: b", "X\xe9: 1", "X-Long: " + "l" * 100_000, "X-" + "n" * 10_000 + ": 1",
    "X-Same: 1\r\nX-Same: 2\r\nx-same: 3", "Cookie: a=1\r\nCookie: b=2", "Host: other.test", "Host: app.test",
    "Range: bytes=0-1", "If-None-Match: *", "If-Match: x", "Authorization: Basic YTpi", "Pragma: no-cache",
    "Accept-Encoding: br", "Accept-Encoding: gzip;q=0, *", "Accept-Encoding:",
    "Accept-Encoding: br\r\nAccept-Encoding: gzip", "Content-Type: text/plain",
    "Content-Type: application/json\r\nContent-Type: text/html", "Content-Encoding:", "Content-Encoding: identity",
    "Content-Encoding: Identity", "Content-MD5: x", "Content-Range: bytes 0-9/10", "Content-Disposition: x",
    "Content-Language: de", "Origin: http://evil.test", "Sec-Fetch-Site: cross-site", "Max-Forwards: 0", "Priority: u=1",
    "Early-Data: 1", "HTTP2-Settings: AAA",
]
TYPES = [
    "", "application/json; charset=utf-16", "application/json;charset=\"utf-8", "APPLICATION/JSON", "application/x+json",
    "text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "/",
    "application/json, text/plain",
]

# Content codings of a callback's request, and what is answered if that is not what a plain Caddy does.
CODINGS = {
    "gzip": None, "GZIP": None, " gzip ": None, "gzip, gzip": 415, "identity, gzip": 415, "gzip, identity": 415,
    ",gzip": 415, "gzip,": 415, "x-gzip": 415, "gzip\r\nContent-Encoding: gzip": 415, "gzip\r\nContent-Encoding:": 415,
    "own": 415, "deflate": 400, "identity, identity": 415, "aes128gcm": 415,
}

LENGTHS = [
    "+{}", "-{}", "0{}", "000000000000000000{}", " {} ", "{}.0", "0x{:x}", "{}, {}", "{};", "{}\r\nContent-Length: {}",
    "{}\r\nContent-Length: 0", "0\r\nContent-Length: {}", "", "x", "99999999999999999999", "-1", "1_0", "\u00b2",
    "{}\r\ncontent-length:{}", "{}e0", "\t{}",
]

# Lines about the length of a body that comes in one chunk; with Content-Length: that of the chunk, frame and all.
CODED = [
    "Transfer-Encoding: chunked", "Transfer-Encoding: Chunked", "Transfer-Encoding: CHUNKED ",
    "Transfer-Encoding:\tchunked", "Transfer-Encoding:chunked", "transfer-encoding: chunked",
    "Transfer-Encoding: chunked, identity", "Transfer-Encoding: identity, chunked", "Transfer-Encoding: xchunked",
    "Transfer-Encoding: chunkedx", "Transfer-Encoding: chunked;q=1", "Transfer-Encoding: \"chunked\"",
    "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: chunked, gzip", "Transfer-Encoding: chunked, chunked",
    "Transfer-Encoding: ,chunked", "Transfer-Encoding: identity", "Transfer-Encoding: gzip", "Transfer-Encoding:",
    "Transfer-Encoding: \x0bchunked", "Transfer-Encoding: \0chunked", "Transfer-Encoding : chunked",
    " Transfer-Encoding: chunked", "X: y\r\n Transfer-Encoding: chunked", "Transfer-Encoding:\r\n chunked",
    "Transfer-Encoding:\r\n\tchunked", "X: y\nTransfer-Encoding: chunked", "X: y\rTransfer-Encoding: chunked",
    "Transfer_Encoding: chunked", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", "Transfer-Encoding: x\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\nContent-Length: {}", "Content-Length: {}\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\nContent-Length: 3", "Content-Length: 3\r\nTransfer-Encoding: chunked",
    "Content-Length: {}\r\nTransfer-Encoding: x", "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked",
    "Trailer: X-Sum\r\nTransfer-Encoding: chunked",
]
# Chunked bodies; N is the length in hex, B the body.
CHUNKS = [
    b"N\r\nB\r\n0\r\n\r\n", b"N;x=y\r\nB\r\n0\r\n\r\n", b"N ; x=\"y\"\r\nB\r\n0;z\r\n\r\n", b"000N\r\nB\r\n000\r\n\r\n",
    b"N \r\nB\r\n0\r\n\r\n", b" N\r\nB\r\n0\r\n\r\n", b"+N\r\nB\r\n0\r\n\r\n", b"-N\r\nB\r\n0\r\n\r\n",
    b"0xN\r\nB\r\n0\r\n\r\n", b"N\nB\n0\n\n", b"N\r\nB0\r\n\r\n", b"N\r\nBx\r\n0\r\n\r\n", b"N\rB\r0\r\r",
    b"N;\nx\r\nB\r\n0\r\n\r\n", b"N;" + b"x" * 20_000 + b"\r\nB\r\n0\r\n\r\n", b"g\r\nB\r\n0\r\n\r\n",
    b"\r\nB\r\n0\r\n\r\n", b"N\r\nB\r\n0\r\nX-Sum: 1\r\n\r\n", b"N\r\nB\r\n0\r\nContent-Length: 1\r\n\r\n",
    b"N\r\nB\r\n0\r\nno colon\r\n\r\n", b"N\r\nB\r\n0\r\nX: " + b"x" * 9000 + b"\r\n\r\n", b"N\r\nB\r\n00\r\n\r\n",
    b"ffffffffffffffff\r\nB\r\n0\r\n\r\n", b"fffffffffffffffff\r\nB\r\n0\r\n\r\n", b"0000000000000000N\r\nB\r\n0\r\n\r\n",
    b"N\r\nB\r\n-0\r\n\r\n", b"N\r\nB\r\n0\r\n\rX", b"1\r\n{\r\n0\r\n\r\n", b"0\r\n\r\n", b"N_0\r\nB\r\n0\r\n\r\n",
]
# Requests whose end is in doubt, with another one behind it.
DOUBTS = [
    "Content-Length: {}\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: {}",
    "Transfer-Encoding: chunked\r\nContent-Length: 0", "Content-Length: 0\r\nTransfer-Encoding: xchunked",
    "Content-Length: 0\r\nTransfer-Encoding: chunked, identity", "Content-Length: 0\r\nTransfer_Encoding: chunked",
    "Content-Length: 0\r\nContent-Length: {}", "Content-Length: 0", "Content-Length: 5",
    "Connection: Content-Length\r\nContent-Length: {}", "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked",
    "Connection: Content-Length\r\nContent-Length: 0", "Connection: keep-alive",
    "Expect: 100-continue\r\nContent-Length: {}", "Expect: 100-continue\r\nContent-Length: 0",
    "X: y\r\n Content-Length: {}", "Upgrade: h2c\r\nConnection: Upgrade", "Upgrade: websocket\r\nConnection: Upgrade",
    "Upgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: {}",
]
OTHERS = [
    "GET /_dash-layout", "HEAD /_dash-layout", "GET /_dash-layout?x=/_dash-update-component", "GET /a%2F_dash-layout",
    "GET http://other.test/_dash-layout", "GET /_dash-dependencies", "GET //_dash-dependencies",
    "get /_dash-dependencies", "POST /_dash-dependencies", "GET /_dash-ws-callback", "POST /_dash-ws-callback",
    "GET /_reload-hash", "OPTIONS *", "GET *", "TRACE /", "PRI *", "POST /",
]

# Header lines of those that are for something else.
BESIDE = [
    "X-Odd: \xe9", "Connection: Content-Length", "Upgrade: websocket\r\nConnection: Upgrade, X-Odd\r\nX-Odd: 1",
    "Expect: 100-continue",
]


def callback(body: bytes, *, line: str = f"POST /{CALLBACK} HTTP/1.1", lines: str = "", length: str | None = "{}",
             kind: str = "application/json", last: bool = True) -> bytes:
    """A request; `lines` are header lines, {} in them and in `length` is the body's length."""
    head = [line, "Host: app.test", *([f"Content-Type: {kind}"] if kind else [])]
    if length is not None:
        head.append("Content-Length: " + filled(length, body))
    head += [filled(lines, body)] if lines else []
    head += ["Connection: close"] if last else []
    return "\r\n".join([*head, "", ""]).encode("latin-1") + body


def filled(line: str, body: bytes) -> str:
    return line.format(*[len(body)] * 2) if "{" in line else line


def chunked(body: bytes, form: bytes = CHUNKS[0]) -> bytes:
    return form.replace(b"N", b"%x" % len(body)).replace(b"B", body)


def odd_callbacks(body: bytes) -> dict[str, bytes]:
    """Requests that might be a callback with this body to one server, and something else to another."""
    rows = {"plain": callback(body), "empty lines first": b"\r\n\r\n" + callback(body)}
    rows["HTTP/0.9"] = f"POST /{CALLBACK}\r\n".encode() + body
    rows |= {f"method {method}": callback(body, line=f"{method} /{CALLBACK} HTTP/1.1") for method in METHODS}
    rows |= {f"GET, {line}": callback(body, line=f"GET /{CALLBACK} HTTP/1.1", lines=line) for line in OVERRIDES}
    rows |= {f"target {target}": callback(body, line=f"POST {target} HTTP/1.1") for target in TARGETS + OPAQUE}
    rows |= {f"version {version}": callback(body, line=f"POST /{CALLBACK} {version}") for version in VERSIONS}
    rows |= {f"type {kind}": callback(body, kind=kind) for kind in TYPES}
    rows |= {f"header {line[:60]}": callback(body, lines=line) for line in HEADERS}
    rows |= {f"length {length}": callback(body, length=length) for length in LENGTHS}
    rows |= {f"coded {lines}": callback(chunked(body), lines=lines, length=None) for lines in CODED}
    rows |= {f"chunks {form[:40]}": callback(chunked(body, form), lines="Transfer-Encoding: chunked", length=None)
             for form in CHUNKS}
    return rows


def other_requests(body: bytes) -> dict[str, bytes]:
    """Requests for something else, and such as have another one behind them."""
    packed = gzip.compress(body, mtime=0)
    rows = {f"coding {coding}": callback(packed, lines=f"Content-Encoding: {coding}") for coding in CODINGS}
    both = "Content-Encoding: gzip\r\nTransfer-Encoding: chunked"
    rows["chunked gzip"] = callback(chunked(packed), lines=both, length=None)
    rows |= {f"other {line}": callback(b"", line=f"{line} HTTP/1.1", length=None) for line in OTHERS}
    rows |= {f"other {line}, {odd[:40]}": callback(body, line=f"{line} HTTP/1.1", lines=odd)
             for line in OTHERS for odd in BESIDE}
    for outer in (f"POST /{CALLBACK}", "POST /", "GET /"):
        for doubt in DOUBTS:
            for name, inner in {"request": callback(body), "end and request": b"0\r\n\r\n" + callback(body),
                                "chunk with request": chunked(callback(body))}.items():
                rows[f"{outer}, {doubt}, {name}"] = callback(
                    inner, line=f"{outer} HTTP/1.1", lines=doubt, length=None, last=False)
    return rows
