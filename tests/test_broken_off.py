"""Connections that end in the middle: nothing is stored of half an answer, nothing is left behind, Caddy lives on."""

import threading

import pytest
import requests

from harness.caddy import payloads, site, stash, temporary
from harness.process import free_port, wait_until
from harness.raw import RawApp, head, send_callback
from harness.wire import Client, is_token, payload

BEGINNING = b'{"multi":true,"response":{"store":{"data":"' + b"x" * 50_000
LARGE = b'{"multi":true,"response":{"graph":{"figure":"' + b"x" * 200_000 + b'"},"store":{"data":"' + b"x" * 50_000
WHOLE = b'"}}}'


@pytest.fixture
def raw_app():
    """raw_app(callback) -> RawApp, running."""
    apps = []

    def start(callback):
        apps.append(RawApp(callback))
        return apps[-1]

    yield start
    for app in apps:
        app.stop()


@pytest.fixture
def in_front(caddy, tmp_path, monkeypatch):
    """in_front(port) -> Caddy with Dashstash in front of it, its temporary files in tmp_path/temporary."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))

    def start(upstream_port, options=""):
        port = free_port()
        return caddy(site(port, f"127.0.0.1:{upstream_port}", stash(options)), port)

    return start


def files_of(caddy, tmp_path):
    """Payloads in the storage, whole or not, and temporary files."""
    storage = caddy.data / "dash_stash"
    return [*payloads(storage), *temporary(storage), *caddy.opened(tmp_path / "temporary")]


@pytest.mark.parametrize("beginning", [BEGINNING, LARGE], ids=["held", "streamed"])
def test_an_answer_that_is_whole(raw_app, in_front, tmp_path, beginning):
    """What the tests below cut off is stored when it is whole."""
    def callback(connection):
        connection.sendall(head(f"Content-Length: {len(beginning + WHOLE)}") + beginning + WHOLE)

    caddy = in_front(raw_app(callback).port)
    client = Client(caddy.url)
    client.open()
    assert is_token(client.outputs(["store.data"], {"fill.n_clicks": 1})["store.data"])
    [file] = files_of(caddy, tmp_path)
    assert file.suffix == ".payload"


@pytest.mark.parametrize("beginning", [BEGINNING, LARGE], ids=["held", "streamed"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_an_answer_that_is_cut_off(raw_app, in_front, tmp_path, beginning, framing):
    """An app that dies in the middle of a Store's data: the browser sees a broken answer, and nothing is stored."""
    def callback(connection):
        if framing == "length":
            connection.sendall(head(f"Content-Length: {len(beginning) + 1000}") + beginning)
        else:
            connection.sendall(head("Transfer-Encoding: chunked") + b"%x\r\n%b\r\n" % (len(beginning), beginning))

    caddy = in_front(raw_app(callback).port)
    caddy.allow("aborting with incomplete response|reading from backend|unexpected EOF")
    client = Client(caddy.url)
    client.open()
    try:
        response = client.call(["store.data"], {"fill.n_clicks": 1})
    except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
        pass
    else:
        assert response.status_code == 502
    assert files_of(caddy, tmp_path) == []


def test_an_answer_that_is_no_whole_json(raw_app, in_front, tmp_path):
    """An answer whose JSON ends too early comes as it is, byte for byte, and nothing is stored."""
    def callback(connection):
        connection.sendall(head(f"Content-Length: {len(BEGINNING)}") + BEGINNING)

    caddy = in_front(raw_app(callback).port)
    client = Client(caddy.url)
    client.open()
    assert client.call(["store.data"], {"fill.n_clicks": 1}).content == BEGINNING
    assert files_of(caddy, tmp_path) == []


def test_a_client_that_leaves_in_mid_request(raw_app, in_front, tmp_path):
    """What came of a large request lies in a temporary file, which is gone as soon as the client is."""
    calls = []
    caddy = in_front(raw_app(calls.append).port)
    caddy.allow("reading the request|unexpected EOF|connection reset")
    connection = send_callback(caddy_port(caddy), 50_000_000)
    connection.sendall(b'{"output":"' + b"x" * 3_000_000)
    wait_until(lambda: files_of(caddy, tmp_path) != [], "the temporary file")
    connection.close()
    wait_until(lambda: files_of(caddy, tmp_path) == [], "the temporary file to go")
    assert calls == []
    Client(caddy.url).open()


def test_a_client_that_leaves_in_mid_answer(raw_app, in_front, tmp_path):
    """The client goes while its Store's data is being stored: that data goes too."""
    left = threading.Event()

    def callback(connection):
        connection.sendall(head(f"Content-Length: {10_000_000}") + LARGE + b"x" * 1_000_000)
        left.wait(20)

    caddy = in_front(raw_app(callback).port)
    caddy.allow("aborting with incomplete response|reading from backend|context canceled")
    Client(caddy.url).open()
    body = payload(["store.data"], {"fill.n_clicks": 1}).encode()
    connection = send_callback(caddy_port(caddy), len(body))
    connection.sendall(body)
    assert connection.recv(100).startswith(b"HTTP/1.1 200")
    wait_until(lambda: files_of(caddy, tmp_path) != [], "the temporary file")
    connection.close()
    wait_until(lambda: files_of(caddy, tmp_path) == [], "the temporary file to go")
    left.set()


def caddy_port(caddy):
    return int(caddy.url.rstrip("/").rpartition(":")[2])
