"""Bodies in all forms that HTTP has: encoded, without a length, large, over HTTP/2, asked for first, and untouched."""

import json

import pytest
import requests

from harness.caddy import payloads, stash, temporary
from harness.process import free_port, wait_until
from harness.raw import send_callback
from harness.wire import Client, is_token, payload

FILL = ["one.data", "two.data", "other.data"]
CODINGS = ["gzip", "deflate", "br", "zstd"]


def fill_and_report(client, size=30_000):
    """Fills the Stores of any_size.py and has them read; returns what came of it."""
    stores = client.outputs(FILL, {"fill.n_clicks": 1}, {"size.value": size, "word.value": "word"})
    report = client.outputs(["report.children"], stores)["report.children"]
    assert report.count(f"{size} bytes") == 3
    return stores


@pytest.mark.parametrize("coding", CODINGS)
def test_an_app_that_encodes(dash_app, proxy, new_tab, coding):
    """An app may compress its answers unasked, layout and all: its Stores are found and offloaded all the same."""
    tab = new_tab(extra_http_headers={"X-Coding": coding})
    tab.open(proxy(dash_app("encoded.py")).url)
    tab.forget()
    tab.click("#fill")
    assert tab.text("#report").count("10000 bytes") == 3
    fill, report = (next(e for e in tab.callbacks if name in e.request["output"]) for name in ("one.data", "report"))
    assert all(is_token(fill.output(name)) and is_token(report.value(name)) for name in FILL)


@pytest.mark.parametrize("coding", CODINGS)
def test_an_answer_that_passes_is_compressed_for_the_browser(dash_app, proxy, coding):
    """Inline data that came compressed leaves compressed, if the browser takes that, and plain if it does not."""
    caddy = proxy(dash_app("encoded.py"), "min_size 1MB")
    for accepted, expected in (("gzip, br", "gzip"), ("identity", None)):
        client = Client(caddy.url, {"X-Coding": coding, "Accept-Encoding": accepted})
        client.open()
        response = client.call(FILL, {"fill.n_clicks": 1}, {"size.value": 30_000, "word.value": "word"})
        assert response.headers.get("Content-Encoding") == expected
        assert len(response.json()["response"]["one"]["data"]["text"]) == 30_000


def test_an_answer_without_a_length(dash_app, proxy):
    """A chunked answer of the app is rewritten like any other, and leaves with its length."""
    caddy = proxy(dash_app("encoded.py"))
    client = Client(caddy.url)
    client.open()
    response = client.call(FILL, {"fill.n_clicks": 1}, {"size.value": 30_000, "word.value": "word"})
    assert all(is_token(response.json()["response"][name.split(".")[0]]["data"]) for name in FILL)
    assert int(response.headers["Content-Length"]) == len(response.content)


def test_encode_in_front(dash_app, proxy):
    """Caddy's own handler encode compresses what leaves here, once; also what the app encodes unasked, if data is in it."""
    caddy = proxy(dash_app("encoded.py"), directives="encode\n" + stash("min_size 1MB"))
    for coding in (None, "zstd"):
        client = Client(caddy.url, {"X-Coding": coding, "Accept-Encoding": "gzip"})
        client.open()
        response = client.call(FILL, {"fill.n_clicks": 1}, {"size.value": 30_000, "word.value": "word"})
        assert response.headers["Content-Encoding"] == "gzip"
        assert len(response.json()["response"]["one"]["data"]["text"]) == 30_000
    client.session.headers["X-Coding"] = None
    fill_and_report(client)


@pytest.mark.parametrize("size", [2000, 5_000_000])
def test_a_request_without_tokens(dash_app, proxy, size):
    """Data that is inline reaches the app byte for byte, as large as it may be, whether its length was told or not."""
    app = dash_app("any_size.py", bodies=True)
    caddy = proxy(app)
    text = ('ä"\\\u2028 {"$dashstash":1} ' * size)[:size]
    body = payload(["report.children"], dict.fromkeys(FILL, {"text": text})).encode()
    answers = []
    for url, data in ((app.url, body), (caddy.url, body), (caddy.url, iter([body[:1000], body[1000:]]))):
        answers.append(requests.post(url + "_dash-update-component", data=data, timeout=30,
                                     headers={"Content-Type": "application/json"}).content)
    assert len(set(answers)) == 1 and f"{size} bytes".encode() in answers[0]
    assert [entry.body.encode() == body for entry in app.received()] == [True] * 3


def test_expect_100_continue(dash_app, proxy):
    """A client that asks first is told to go on, and gets its answer; one that would send too much is refused at once."""
    caddy = proxy(dash_app("any_size.py"), "max_request 1MB")
    body = payload(["report.children"], dict.fromkeys(FILL, {"text": "abc"})).encode()
    port = int(caddy.url.rstrip("/").rpartition(":")[2])
    with send_callback(port, len(body), "Expect: 100-continue", "Connection: close") as connection:
        answer = connection.makefile("rb")
        assert answer.readline().startswith(b"HTTP/1.1 100")
        assert answer.readline() == b"\r\n"
        connection.sendall(body)
        assert answer.readline().startswith(b"HTTP/1.1 200")
        assert b"3 bytes" in answer.read()
    with send_callback(port, 2_000_000, "Expect: 100-continue", "Connection: close") as connection:
        assert connection.makefile("rb").readline().startswith(b"HTTP/1.1 413")


def test_a_request_that_would_grow_too_large(dash_app, proxy):
    """Tokens whose data, put back, would exceed max_request are refused with 413; the app is not called."""
    app = dash_app("any_size.py")
    client = Client(proxy(app, "max_request 100KB").url)
    client.open()
    fill_and_report(client, 30_000)
    stores = client.outputs(FILL, {"fill.n_clicks": 1}, {"size.value": 40_000, "word.value": "word"})
    app.forget()
    assert client.call(["report.children"], stores).status_code == 413
    assert app.received() == []


def test_http_2(dash_app, caddy, new_tab):
    """The browser speaks HTTP/2 with Caddy, as it does where there is TLS."""
    app, port = dash_app("any_size.py"), free_port()
    sites = f"https://localhost:{port} {{\n\ttls internal\n\tdash_stash\n\treverse_proxy 127.0.0.1:{app.port}\n}}\n"
    caddy(sites, port, global_options=f"skip_install_trust\nauto_https disable_redirects\nhttps_port {port}")
    tab = new_tab(ignore_https_errors=True)
    tab.open(f"https://localhost:{port}/")
    tab.write("#size", "1000000")
    tab.click("#fill")
    assert tab.text("#report").count("1000000 bytes") == 3
    assert any("$dashstash" in exchange.request_body for exchange in tab.callbacks)
    protocols = tab.page.evaluate("performance.getEntriesByType('resource').map(entry => entry.nextHopProtocol)")
    assert set(protocols) == {"h2"}


def test_dry_run(dash_app, proxy):
    """In a dry run all passes as it is, nothing is stored, and the log tells what would have been saved."""
    app = dash_app("any_size.py")
    caddy = proxy(app, "dry_run")
    Client(caddy.url).open()
    state = {"size.value": 30_000, "word.value": "word"}
    direct, dry = (Client(url).call(FILL, {"fill.n_clicks": 1}, state) for url in (app.url, caddy.url))
    assert dry.content == direct.content
    for name in ("Content-Type", "Content-Length", "Server-Timing", "Content-Encoding"):
        assert dry.headers.get(name) == direct.headers.get(name)
    assert not payloads(caddy.data)
    wait_until(lambda: caddy.logs(message="^dry run"), "the line in the log")
    [entry] = caddy.logs("info", "^dry run")
    assert (entry["stores"], entry["bytes"]) == (3, sum(
        len(json.dumps(props["data"], separators=(",", ":"))) for props in direct.json()["response"].values()))
    assert not temporary(caddy.data / "dash_stash")
