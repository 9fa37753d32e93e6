"""What is no callback passes byte for byte: files, uploads, events, sockets, hot reload, and other programs' calls."""

import json
import re

import pytest
import requests
from websockets.sync.client import connect

from harness.app import TESTS
from harness.compare import same_both_ways
from harness.wire import is_token

MCP = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
END_ID = re.compile(rb'"end_id":"[^"]*"')
TOKEN = {"$dashstash": "A" * 80}


def rpc(method, **params):
    return "POST", "_mcp", {"headers": MCP, "json": {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}}


ANSWERS = {
    "favicon": ("GET", "_favicon.ico", {}),
    "style sheet": ("GET", "assets/style.css", {}),
    "style sheet, HEAD": ("HEAD", "assets/style.css", {}),
    "range": ("GET", "assets/style.css", {"headers": {"Range": "bytes=4-9"}}),
    "range that is not there": ("GET", "assets/style.css", {"headers": {"Range": "bytes=4000-"}}),
    "no such file": ("GET", "assets/none.css", {}),
    "no such component": ("GET", "_dash-component-suites/dash/none.js", {}),
    "no such page": ("GET", "none", {}),
    "reload hash": ("GET", "_reload-hash", {}),
    "layout, HEAD": ("HEAD", "_dash-layout", {}),
    "dependencies": ("GET", "_dash-dependencies", {}),
    "layout, POST": ("POST", "_dash-layout", {"data": "{}"}),
    "callback, GET": ("GET", "_dash-update-component", {}),
    "callback, OPTIONS": ("OPTIONS", "_dash-update-component", {}),
    "API callback": ("POST", "api/digest", {"json": {"uploaded": {"contents": "x" * 5000, "filename": "a.txt"}}}),
    "API callback, a token": ("POST", "mirror", {"json": {"uploaded": TOKEN}}),
    "gzip to another route": ("POST", "mirror", {"data": b"\x1f\x8b no gzip", "headers": {"Content-Encoding": "gzip"}}),
    "in pieces": ("PUT", "mirror", {"data": [b"one, ", b"two, ", b"three"]}),
    "credentials": ("DELETE", "mirror", {"headers": {"Authorization": "Bearer of-news", "Accept-Encoding": "zstd;q=0.5"}}),
    "MCP, initialize": rpc("initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo={"name": "t", "version": "1"}),
    "MCP, tools": rpc("tools/list"),
    "MCP, resources": rpc("resources/list"),
    "MCP, layout": rpc("resources/read", uri="dash://layout"),
    "MCP, unknown": rpc("none/such"),
    "MCP, events": ("GET", "_mcp", {"headers": MCP}),
    "MCP, DELETE": ("DELETE", "_mcp", {}),
}


def test_answers(dash_app, proxy):
    """Status, headers and body are those that a plain Caddy sends, and so are those of a repeated request."""
    app = dash_app("other_routes.py")
    ways = [proxy(app, directives="").url, proxy(app, "min_size 0").url]
    asked = dict(ANSWERS)
    page = requests.get(app.url, timeout=30).text
    for path in sorted(set(re.findall(r'src="/(_dash-component-suites/[^"]*)"', page)))[:4]:
        asked[path] = ("GET", path, {})
    for name, (method, path, options) in asked.items():
        plain, stashed = (answer(url, method, path, **options) for url in ways)
        assert stashed == plain, name
        if etag := plain[1].get("ETag"):
            plain, stashed = (answer(url, method, path, headers={"If-None-Match": etag}) for url in ways)
            assert stashed == plain and plain[0] in (200, 304), name
    statuses = {name: answer(ways[1], method, path, **options)[0] for name, (method, path, options) in ANSWERS.items()}
    assert statuses["range"] == 206 and statuses["no such file"] == 404 and statuses["range that is not there"] == 416
    assert statuses["API callback"] == statuses["MCP, tools"] == statuses["MCP, layout"] == 200


def answer(url, method, path, data=None, **options):
    """Status, headers but for the time, and the body as it came over the wire, but for the number of a page's load."""
    data = iter(data) if isinstance(data, list) else data
    with requests.request(method, url + path, data=data, stream=True, timeout=30, **options) as response:
        headers = {name: value for name, value in response.headers.items() if name != "Date"}
        return response.status_code, headers, END_ID.sub(b"", response.raw.read(decode_content=False))


@pytest.mark.parametrize("file, options", [
    ("other_routes.py", {}), ("sockets.py", {"server": "uvicorn", "prefix": "/dash/"})], ids=["waitress", "uvicorn"])
def test_server_sent_events(dash_app, proxy, file, options):
    """Each event arrives while the answer is open: the app sends the next one only when it is told that this one is here."""
    caddy = proxy(dash_app(file, **options), "min_size 0")
    seen = []
    with requests.get(caddy.url + "events", stream=True, timeout=30) as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        for line in response.iter_lines(chunk_size=1):
            seen.append(line)
            if line.startswith(b"data:"):
                requests.post(caddy.url + "go-on", timeout=30).raise_for_status()
    assert [line for line in seen if line] == [
        line for n in range(3) for line in (b"id: %d" % n, b"data: event %d" % n)]


def test_a_web_socket(dash_app, proxy):
    """A WebSocket of the app's own carries text, bytes, large messages and what looks like a token, each as it is."""
    caddy = proxy(dash_app("sockets.py", server="uvicorn", prefix="/dash/"), "min_size 0")
    messages = ["text", "漢字 👋", b"\x00\xff bytes", "x" * 300_000, json.dumps([TOKEN]), "", b""]
    with connect(caddy.url.replace("http", "ws") + "echo", subprotocols=["first", "last"], open_timeout=30) as socket:
        assert socket.subprotocol == "last"
        for message in messages:
            socket.send(message)
            assert socket.recv(timeout=30) == message
        for message in messages:  # several at once
            socket.send(message)
        assert [socket.recv(timeout=30) for _ in messages] == messages


def test_upload_and_download(dash_app, proxy, new_tab, tmp_path):
    """A file of three megabytes goes up with dcc.Upload, to and fro in a Store, and comes down with dcc.Download."""
    app = dash_app("other_routes.py", bodies=True)
    caddy = proxy(app, "min_size 0")
    file = tmp_path / "some numbers.bin"
    file.write_bytes(bytes(n * n % 251 for n in range(3_000_000)))

    def steps(tab):
        tab.page.set_input_files("#upload input", file)
        tab.expect_text("#report", re.compile("^some numbers.bin: [0-9a-f]{64}$"))
        with tab.page.expect_download() as download:
            tab.click("#fetch")
        assert open(download.value.path(), "rb").read() == file.read_bytes()
        return tab.text("#report"), download.value.suggested_filename

    direct, stashed = same_both_ways(app, caddy, new_tab, steps)
    last = stashed.tab.callbacks[-1]
    assert is_token(last.value("uploaded.data")) and last.bytes_up < 1000
    assert direct.tab.callbacks[-1].bytes_up > 4_000_000


def test_hot_reload(dash_app, proxy, tab, tmp_path):
    """When the app's author saves its file, the page shows the new app; a Store that the browser reads from then on stays there."""
    file = tmp_path / "edited.py"
    file.write_text((TESTS / "apps" / "edited.py").read_text())
    tab.allow("ERR_|Failed to (load|fetch)|status of 502")  # while the app starts anew
    app = dash_app(file, server="development")
    caddy = proxy(app, "min_size 0")
    caddy.allow("connection refused|connection reset|EOF|aborting with incomplete response")
    tab.open(caddy.url)
    tab.click("#fill")
    assert is_token(tab.callbacks[-1].value("store.data"))
    file.write_text(file.read_text().replace("EDITED = False", "EDITED = True"))
    tab.expect_text("h1", "after", timeout=60)
    tab.settle()
    tab.forget()
    tab.click("#fill")
    assert (tab.text("#report"), tab.text("#in-browser")) == ("sum 499500", "1000")
    assert tab.callbacks[0].output("store.data") == list(range(1000))
