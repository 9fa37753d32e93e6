"""No log line, at any level, holds a secret, data, a token, or a key of the storage.

Secrets are in the environment: at level debug, Caddy logs all its configuration, as it is written.
"""

import gzip
import json
import re
from contextlib import suppress

import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from harness.caddy import block, payloads, stash
from harness.process import free_port, wait_until
from harness.servers import DOWN, Redis
from harness.wire import Client, is_token, payload

SECRET, PASSWORD, WRONG = "secret-is-this-text-of-ours", "password-is-this", "mistaken-password"
MARKER = "payload-is-this"
FILL = ["one.data", "two.data", "other.data"]
# A whole token, of the shape of one, or the key that something is stored under.
LONG = re.compile(r"[A-Za-z0-9_-]{80}|(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
HOST = {"Host": "app.test"}  # of all sites, so that they are one app to Dashstash


def test_nothing_secret_is_logged(dash_app, caddy, server, monkeypatch):
    for name, value in {"SECRET": SECRET, "PASSWORD": PASSWORD, "WRONG": WRONG}.items():
        monkeypatch.setenv(name, value)
    app = dash_app("any_size.py")
    sockets = dash_app("websocket_stores.py", env={"DASH_BACKEND": "fastapi", "WEBSOCKETS": "all"}, server="uvicorn")
    redis = server(Redis, password=PASSWORD)
    options = {
        **{f"file, {choice}": f"on_missing {choice}" for choice in ("reload", "null", "prevent_update", "error")},
        "small": "max_request 20KB",
        "dry": "dry_run",
        "redis": f"storage redis redis://:{{env.PASSWORD}}@{redis.address}/0 {{\nnear off\n}}",
        "locked": f"storage redis redis://:{{env.WRONG}}@{redis.address}/1",
        "sockets, null": "on_missing null",
        "sockets, error": "on_missing error",
    }
    ports = {name: free_port() for name in options}
    sites = "\n".join(
        block(f"http://:{port}", "log {\nformat json\n}", stash(f"secret {{env.SECRET}}\nmin_size 1\n{options[name]}"),
              f"reverse_proxy 127.0.0.1:{sockets.port if 'sockets' in name else app.port}")
        for name, port in ports.items()) + "\n"
    running = caddy(sites, ports["small"], global_options="debug\nservers {\nlog_credentials\n}")
    running.allow('"level":"error"')
    urls = {name: f"http://127.0.0.1:{port}/" for name, port in ports.items()}
    clients = {name: Client(url, HOST) for name, url in urls.items()}
    tokens, keys = set(), set()

    def fill(name, size=5000):
        stores = clients[name].outputs(FILL, {"fill.n_clicks": 1}, {"size.value": size, "word.value": MARKER})
        tokens.update(value["$dashstash"] for value in stores.values() if is_token(value))
        return stores

    def read(name, stores):
        return clients[name].call(["report.children"], stores).status_code

    for client in clients.values():
        client.open()
    stores, stored = fill("file, null"), fill("redis", 6000)
    assert len(tokens) == 6
    fill("dry")
    fill("locked")  # an unavailable storage
    keys.update(file.name.partition(".")[0] for file in payloads(running.data))
    keys.update(key.rpartition(":")[2] for key in redis.cli("keys", "*").split())
    assert len(keys) >= 4

    assert read("file, null", stores) == read("redis", stored) == 200
    assert read("redis", stores) == 200  # misses there
    small = fill("small")["one.data"]
    assert read("small", {name: small for name in [*FILL, "x.data", "y.data"]}) == 413
    broken_requests(urls["file, error"], stores)
    for file in payloads(running.data):
        file.write_bytes(file.read_bytes()[:-100])
    for name, status in {"reload": 200, "null": 200, "prevent_update": 204, "error": 410}.items():
        assert read(f"file, {name}", stores) == status
    kept = json.dumps([*stores.values(), {"$dashstash": MARKER}])
    for body in (kept, kept[:-3], kept.encode("utf-16")):
        requests.post(urls["file, reload"] + "_dash-stash/gone", data=body, headers=HOST, timeout=30)
    for name in ("sockets, null", "sockets, error"):
        speak_by_socket(urls[name], stores["one.data"])
    redis.stop()
    assert read("redis", stored) == 503
    fill("redis")
    running.reload()
    app.stop()
    assert read("file, null", {name: {"text": MARKER} for name in FILL}) == 502

    wait_until(lambda: running.logs("warn", DOWN), "Dashstash to notice")
    for level, message in [("debug", "upstream"), ("info", "handled request"), ("error", ""), ("info", "^dry run"),
                           ("warn", "gone from the storage"), ("warn", "damaged"), ("warn", "WebSocket")]:
        assert running.logs(level, message), f"nothing is logged of {message or level}: the test shows nothing"
    forbidden = [SECRET, PASSWORD, WRONG, MARKER, *tokens, *keys]
    for line in running.process.log().splitlines():
        assert [text for text in forbidden if text in line] == []
        assert not LONG.search(line), line


def broken_requests(url, stores):
    """Callbacks that cannot be read, or that the app cannot, each with data and a token in it."""
    body = payload(["report.children"], {**stores, "x.data": {"text": MARKER}}).encode()
    packed = gzip.compress(body)
    for sent, headers in [
        (body[:-1], {}), (body + b"x", {}), (body.replace(b"inputs", b"outputs"), {}),
        (body.decode().encode("utf-16"), {}), (body.replace(b"$dash", b"\\u0024dash"), {}),
        (packed[:-9], {"Content-Encoding": "gzip"}), (body, {"Content-Encoding": "gzip"}), (body, {"Content-Encoding": "own"}),
        (body.replace(b'"}', b'x"}'), {}), (b"[" * 100_000 + body, {}), (body, {"Content-Type": "text/plain"}),
    ]:
        requests.post(url + "_dash-update-component", data=sent, timeout=30,
                      headers={"Content-Type": "application/json", **HOST, **headers})


def speak_by_socket(url, token):
    """Messages of callbacks with a token of another app, one that is gone, and what is no callback or no JSON at all."""
    body = payload(["both-text.children"], {"both.n_clicks": 1}, {"by-http.data": token, "by-socket.data": [MARKER]})
    message = f'{{"type":"callback_request","rendererId":"r","requestId":"1","payload":{body}}}'
    for sent in (message, message[:-1], message.encode(), f'"{MARKER}"', message.replace('"payload"', '"other"')):
        with connect(url.replace("http", "ws") + "_dash-ws-callback", origin=url.rstrip("/"), open_timeout=30) as socket:
            with suppress(TimeoutError, ConnectionClosed):
                socket.send(sent)
                socket.recv(timeout=1)
