"""Requests that two programs may read in two ways: the app gets what it would get without us, and no callback gets a token.

The rows are in odd_requests.py.
"""

import itertools
import re
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from urllib.parse import unquote

import pytest

from harness.caddy import stash
from harness.process import free_port
from harness.raw import RecordingApp, is_whole, speak
from harness.wire import Client, is_token, payload
from odd_requests import CALLBACK, CODINGS, OPAQUE, odd_callbacks, other_requests

LANES = 8  # rows at a time
REFUSED = {**{f"coding {coding}": b"%d" % status for coding, status in CODINGS.items() if status},
           **dict.fromkeys([f"target {target}" for target in OPAQUE], b"400")}
SERVERS = [("waitress", "flask"), ("gunicorn", "flask"), ("development", "flask"), ("uvicorn", "fastapi"),
           ("uvicorn", "quart")]


def site(port, upstream, directive):
    """A site for any host."""
    return f"http://:{port} {{\n{directive}\nreverse_proxy 127.0.0.1:{upstream}\n}}\n"


@pytest.fixture
def lanes(caddy):
    """Pairs of an app with a plain Caddy and one with Dashstash in front: [(app, port), (app, port)], each in a queue."""
    apps = [RecordingApp() for _ in range(2 * LANES)]
    ports = [free_port() for _ in apps]
    running = caddy("".join(site(port, app.port, stash("min_size 1") if n % 2 else "")
                            for n, (app, port) in enumerate(zip(apps, ports, strict=True))), ports[0])
    running.allow("http.log.error")
    queue = SimpleQueue()
    ways = list(zip(apps, ports, strict=True))
    for app, port in ways:
        for host, prefix in itertools.product(("app.test", "other.test"), ("", "a/")):
            Client(f"http://127.0.0.1:{port}/{prefix}", {"Host": host}).open()
        app.take()
    for n in range(0, len(ways), 2):
        queue.put(ways[n:n + 2])
    yield queue
    running.stop()
    for app in apps:
        app.stop()


def is_callback(request):
    method, target, _ = parsed(request)[0].decode("latin-1").split(" ", 2)
    return method.upper() == "POST" and unquote(target.partition("?")[0]).removesuffix("\n").endswith(f"/{CALLBACK}")


def sent_on(request):
    """What Dashstash sends on of a request: all of it, but for what is documented of callbacks."""
    line, headers, body = parsed(request)
    if is_callback(request):
        headers["accept-encoding"] = ["identity"]
        headers.pop("expect", None)
        if headers.pop("transfer-encoding", None):
            headers.pop("trailer", None)
            body = unchunked(body)
        headers["content-length"] = [str(len(body))]
    return line, headers, body


def is_ask(request):
    """Whether Dashstash asks the app about itself: no row has a header Accept."""
    return any(b"\r\nAccept: " + kind in request for kind in (b"application/json", b"text/html"))


def parsed(request):
    """Request line, headers, body."""
    top, _, body = request.partition(b"\r\n\r\n")
    line, *lines = top.split(b"\r\n")
    headers = {}
    for each in lines:
        name, _, value = each.decode("latin-1").partition(": ")
        headers.setdefault(name.lower(), []).append(value)
    return line, headers, body


def unchunked(body):
    """The bytes of a chunked body as Caddy writes it."""
    whole = b""
    while size := int(body.partition(b"\r\n")[0], 16):
        start = body.index(b"\r\n") + 2
        whole += body[start:start + size]
        body = body[start + size + 2:]
    return whole


def compare(lanes, rows):
    """Sends each row both ways. Returns by name what the app is to get and the browser to be answered, and what they do."""

    def both(item):
        name, sent = item
        lane = lanes.get()
        try:
            (plain_answer, plain), (answer, got) = ways.map(lambda way: (speak(way[1], sent, 1), way[0].take()), lane)
        finally:
            lanes.put(lane)
        want = in_order(sent_on(request) for request in plain if is_whole(request)), statuses(plain_answer)
        if refused := REFUSED.get(name):
            want = [], [refused]
        elif want[1] == [b"502"] and is_callback(sent):
            want = [], [b"400"]  # the app does not even get the beginning of a body that has no good end
        done = in_order(parsed(request) for request in got
                        if not is_ask(request) and (is_whole(request) or is_callback(request)))
        return name, want, (done, statuses(answer))

    with ThreadPoolExecutor(LANES) as pool, ThreadPoolExecutor(2 * LANES) as ways:
        return list(pool.map(both, rows.items()))


def in_order(requests):
    """Requests in one order, since it is a matter of chance which of two comes first."""
    return sorted(requests, key=lambda request: (request[0], request[2]))


def statuses(answer):
    return re.findall(rb"HTTP/1\.[01] (\d+)", answer)


def test_what_reaches_the_app(lanes):
    """Each row reaches the app, or does not, as through a plain Caddy, and is answered with the same status."""
    body = payload(["store.data"], {"fill.n_clicks": 1}).encode()
    results = compare(lanes, {**odd_callbacks(body), **other_requests(body)})
    wrong = {name: (want, got) for name, want, got in results if want != got}
    assert wrong == {}
    assert sum(len(got[0]) for _, _, got in results) > 400


@pytest.mark.parametrize("server, backend", SERVERS)
def test_no_token_gets_through(dash_app, caddy, server, backend):
    """Whatever a server takes for a callback is one to Dashstash: the app never runs it with a token."""
    app, port = dash_app("shows.py", server=server, env={"BACKEND": backend}), free_port()
    running = caddy(site(port, app.port, stash("min_size 1")), port)
    running.allow("http.log.error")
    client = Client(running.url, {"Host": "app.test"})
    client.open()
    token = client.outputs(["store.data"], {"fill.n_clicks": 1})["store.data"]
    assert is_token(token)
    rows = odd_callbacks(payload(["shown.children"], {"store.data": token}).encode())
    with ThreadPoolExecutor(LANES) as pool:
        answers = dict(zip(rows, pool.map(lambda sent: speak(port, sent, 1), rows.values()), strict=True))
    app.forget()  # what is no callback keeps its tokens
    shown = {name: answer for name, answer in answers.items() if b"shown data" in answer}
    assert len(shown) > 100
    assert [name for name, answer in shown.items() if b"shown data without a token" not in answer] == []
