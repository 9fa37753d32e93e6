"""Clients and apps that stall, and limits of Caddy's own: all end as they do with a plain Caddy, and leave nothing behind."""

import threading
from contextlib import suppress

import pytest
import requests
import zstandard

from harness.caddy import block, stash, temporary
from harness.process import free_port, wait_until
from harness.raw import RawApp, RecordingApp, head, is_whole, send_callback, speak
from harness.wire import Client, payload
from odd_requests import callback, chunked

BODY = payload(["store.data"], {"fill.n_clicks": 1}).encode()
CHUNKED = {"lines": "Transfer-Encoding: chunked", "length": None}
OPTIONS = "servers {\ntimeouts {\nread_body 3s\nread_header 3s\n}\nmax_header_size 16KB\n}"
LIMITS = "request_body {\nmax_size 2MB\n}"


@pytest.fixture
def ways(caddy, tmp_path, monkeypatch):
    """ways(app) -> a Caddy with limits in front of a RawApp or RecordingApp, and its ports without and with Dashstash. An app
    may take a second to begin its answer."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    started = []

    def start(app):
        ports = [free_port(), free_port()]
        upstream = block(f"reverse_proxy 127.0.0.1:{app.port}", block("transport http", "response_header_timeout 3s"))
        running = caddy("\n".join(block(f"http://:{port}", LIMITS, directive, upstream)
                                  for port, directive in zip(ports, ("", stash()), strict=True)) + "\n",
                        ports[0], global_options=OPTIONS)
        running.allow("http.log.error|aborting with incomplete response|reading from backend")
        started[:] = running, app
        for port in ports:
            Client(f"http://127.0.0.1:{port}/", {"Host": "app.test"}).open()
        return running, ports

    yield start
    for each in started:
        each.stop()


def status(port, sent):
    return int(speak(port, sent, 10).split(b" ", 2)[1])


def left(caddy, tmp_path):
    """Temporary files that are open, those in the storage, and goroutines in our code."""
    stacks = requests.get(f"http://127.0.0.1:{caddy.admin_port}/debug/pprof/goroutine?debug=2", timeout=10).text
    return [*caddy.opened(tmp_path / "temporary"), *temporary(caddy.data / "dash_stash"),
            *(stack for stack in stacks.split("\n\n") if "dashstash/caddymodule." in stack)]


def wait_for_nothing_left(caddy, tmp_path):
    wait_until(lambda: left(caddy, tmp_path) == [], "what is left of requests to go")


STALLED = {
    "before the body": callback(BODY)[:-len(BODY)],
    "in the body": callback(BODY)[:-5],
    "in a large body": callback(BODY.ljust(1_500_000))[:-5],
    "in a chunk": callback(chunked(BODY), **CHUNKED)[:-20],
    "between chunks": callback(chunked(BODY), **CHUNKED)[:-5],
    "in gzip": callback(b"\x1f\x8b\x08\0", lines="Content-Encoding: gzip", length="100"),
}


def test_a_client_that_stalls(ways, tmp_path):
    """It is told so after Caddy's own time (a plain Caddy says 499 or 502, since it has called the app by then), and the app
    is not called. In mid-head it is as without us."""
    app = RecordingApp()
    caddy, (plain, stashed) = ways(app)
    app.take()
    threads = [threading.Thread(target=lambda sent=sent, name=name: got.update({name: status(stashed, sent)}))
               for name, sent in STALLED.items()]
    got = {}
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == dict.fromkeys(STALLED, 408) and app.take() == []
    assert [status(port, callback(BODY)[:40]) for port in (plain, stashed)] == [400, 400]
    wait_for_nothing_left(caddy, tmp_path)


@pytest.mark.parametrize("beginning", [b"", b'{"response":{"store":{"data":"xxxxx', b'{"x":"' + b"x" * 200_000],
                         ids=["nothing", "held", "streamed"])
def test_a_client_that_does_not_wait(ways, tmp_path, beginning):
    """The connection to an app that stalls ends when the client's does."""
    answering, ended = threading.Event(), threading.Event()

    def answer(connection):
        if beginning:
            connection.sendall(head("Content-Length: 1000000") + beginning)
        answering.set()
        connection.settimeout(20)
        with suppress(ConnectionResetError):
            assert connection.recv(1) == b""
        ended.set()

    caddy, (_, stashed) = ways(RawApp(answer))
    connection = send_callback(stashed, len(BODY))
    connection.sendall(BODY)
    assert answering.wait(20)
    assert left(caddy, tmp_path) != []
    connection.close()
    assert ended.wait(20)
    wait_for_nothing_left(caddy, tmp_path)


def test_an_app_that_stalls(ways, tmp_path):
    """An app that does not begin its answer in time ends as without us."""
    caddy, ports = ways(RawApp(lambda connection: connection.recv(1)))
    assert [status(port, callback(BODY)) for port in ports] == [504, 504]
    wait_for_nothing_left(caddy, tmp_path)


def test_content_codings(ways, tmp_path):
    """A request that needs no change reaches the app in its content coding. A bomb does not, and takes next to no room."""
    app = RecordingApp()
    caddy, ports = ways(app)
    app.take()
    code = zstandard.ZstdCompressor().compress
    for body, expected in ((code(BODY), 200), (code(BODY.ljust(5_000_000)), 200), (code(BODY.ljust(200_000_000)), 413)):
        assert len(body) < 20_000
        reached = []
        for port in ports:
            connection = send_callback(port, len(body), "Content-Encoding: zstd", "Connection: close")
            connection.sendall(body)
            with connection, connection.makefile("rb") as answer:
                assert int(answer.readline().split(b" ")[1]) == (expected if port == ports[1] else 200)
            reached.append([request.partition(b"\r\n\r\n")[2] for request in app.take() if request.startswith(b"POST ")])
        assert reached == [[body], [body] if expected == 200 else []]
    wait_for_nothing_left(caddy, tmp_path)


def test_limits(ways, tmp_path):
    """What Caddy's own limits allow and refuse is the same, and what reaches the app."""
    app = RecordingApp()
    caddy, ports = ways(app)
    app.take()
    fits, too_large = BODY.ljust(1_900_000), BODY.ljust(2_100_000)
    for sent, expected in [
        (callback(fits), 200),
        (callback(fits, lines="Expect: 100-continue"), 100),
        (callback(too_large), 413),
        (callback(chunked(too_large), **CHUNKED), 413),
        (callback(too_large)[:-len(too_large)], 413),
        (callback(too_large, lines="Expect: 100-continue"), 413),
        (callback(BODY, lines="X-Long: " + "x" * 15_000), 200),
        (callback(BODY, lines="X-Long: " + "x" * 30_000), 431),
        (callback(BODY, lines="\r\n".join(f"X-{n}: 1" for n in range(3000))), 431),
    ]:
        for port in ports:
            assert status(port, sent) == expected, sent[:200]
            assert len([request for request in app.take() if is_whole(request)]) == (expected <= 200), sent[:200]
    wait_for_nothing_left(caddy, tmp_path)
