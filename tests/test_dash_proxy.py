"""`caddy dash-proxy` serves an app without a Caddyfile."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests

from harness.admin import Admin
from harness.caddy import payloads
from harness.commands import complaint, run, use, words
from harness.dash_proxy import DashProxy
from harness.process import free_port, wait_until
from harness.raw import Listener
from harness.servers import Memcached, Redis
from harness.wire import is_token

FIGURES = r"(\d+) callbacks? · (\d+) Stores? offloaded · ([\d.]+ \w+) (saved|would be saved) \([\d.]+ %\) · (\d+) miss"


class NoApp(Listener):
    """Answers all with a page that is not one of Dash."""

    def _accepted(self, connection):
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")


@contextmanager
def no_app() -> Iterator[NoApp]:
    app = NoApp()
    yield app
    app.stop()


def test_dash_proxy(dash_app, dash_proxy):
    """The command serves the app, keeps its data in files, says where all is, and in the end what was saved."""
    app = dash_app("numbered.py")
    caddy = dash_proxy(app.port)
    user = use(caddy.url)
    assert user.tokens == 6
    assert len(payloads(caddy.data)) == 6
    assert caddy.said.startswith(f"Dashstash: http://localhost:{caddy.port}/, and")
    assert re.search(rf"the app +127.0.0.1:{app.port}\n +its data +files in {caddy.data}\n +watch it +\S+ dash-stash page", caddy.said)
    assert "http://127" not in caddy.said, "the page's key is not for a log"
    caddy.stop()
    last = caddy.said.splitlines()[-1]
    assert re.fullmatch(rf"In \d+ s: {FIGURES}es", last).group(1, 2, 4, 5) == ("2", "6", "saved", "0"), last
    assert " 239." in last
    assert "warning" not in caddy.said
    assert not re.search(r"^\{|\x1b|waiting", caddy.said, re.MULTILINE), "neither logs, nor a live line, nor a wait"


def test_dash_proxy_in_a_browser(dash_app, dash_proxy, tab):
    caddy = dash_proxy(dash_app("three_stores.py").port)
    tab.open(caddy.url)
    tab.forget()
    tab.click("#load")
    tab.expect_text("#summary", re.compile("^5000 rows"))
    load, draw = tab.callbacks
    assert is_token(load.output("rows.data"))
    assert draw.bytes_up < 1000


def test_dash_proxy_several_apps(dash_app, dash_proxy):
    """Requests go to both of two processes of an app, also those that bring back what the other has sent."""
    apps = [dash_app("numbered.py") for _ in range(2)]
    user = use(dash_proxy(*(app.port for app in apps)).url)
    for _ in range(20):
        user.read()
    assert all(app.received() for app in apps)


def test_dash_proxy_waits_for_the_app(dash_proxy, tmp_path, dash_app):
    port = free_port()
    caddy = dash_proxy(port)
    wait_until(lambda: f"waiting for the app at 127.0.0.1:{port} …" in caddy.said, "the command to wait")
    assert requests.get(caddy.url, timeout=10).status_code == 502
    dash_app("numbered.py", port=port)
    wait_until(lambda: f"the app is there: 127.0.0.1:{port}" in caddy.said, "the command to see the app")
    assert use(caddy.url).tokens == 6


def test_dash_proxy_app_under_a_prefix(dash_app, dash_proxy):
    """An app under a prefix, whose page is not at /, is proxied; it cannot be told that it is one of Dash."""
    app = dash_app("placed.py", env={"PREFIX": "/sales/"}, prefix="/sales/")
    caddy = dash_proxy(app.port)
    wait_until(lambda: "does not look like a Dash app" in caddy.said, "the warning")
    assert "GET /_dash-layout answered 404 (text/html), and GET / answered 404 (text/html)" in caddy.said
    assert "under a prefix" in caddy.said
    assert requests.get(caddy.url + "sales/_dash-layout", timeout=10).status_code == 200


def test_dash_proxy_no_dash_app(dash_proxy):
    with no_app() as app:
        caddy = dash_proxy(app.port)
        wait_until(lambda: "does not look like a Dash app" in caddy.said, "the warning")
        assert "GET /_dash-layout answered 200 (text/html)" in caddy.said
        assert requests.get(caddy.url, timeout=10).text == "hello"


def test_dash_proxy_port_taken(dash_proxy):
    """A port that another process has, also another Caddy, is one clear sentence."""
    caddy = dash_proxy(free_port())
    said = complaint(run("dash-proxy", "--from", f":{caddy.port}", CADDY_ADMIN=f"localhost:{free_port()}"))
    assert said == f"Error: port {caddy.port} is taken by another process: use another one, as --from :{caddy.port + 1}\n"


def test_dash_proxy_beside_another_caddy(dash_app, dash_proxy):
    """If another Caddy has the admin endpoint, the command takes another port for its own, and tells it."""
    app = dash_app("numbered.py")
    one = dash_proxy(app.port)
    two = dash_proxy(app.port, admin_port=one.admin_port)
    use(two.url)
    own = int(re.search(rf"localhost:{one.admin_port} is taken, by another Caddy perhaps: .* is at 127.0.0.1:(\d+)", two.said)[1])
    assert f"dash-stash status --address 127.0.0.1:{own}" in two.said
    assert Admin(one.admin_port).status()["live"]["callbacks"] == 0
    assert Admin(own).status()["live"]["callbacks"] == 2


def test_dash_proxy_dry_run(dash_app, dash_proxy):
    caddy = dash_proxy(dash_app("numbered.py").port, "--dry-run")
    assert use(caddy.url).tokens == 0
    assert "This is a dry run" in caddy.said
    caddy.stop()
    assert re.search(FIGURES, caddy.said).group(1, 2, 4) == ("2", "6", "would be saved")


@pytest.mark.parametrize("options, tokens", [
    (("--stores", "store-0, store-1", "--stores", "store-5"), 3),
    (("--exclude", "store-1,store-2"), 4),
    (("--stores", "auto session"), 0),
])
def test_dash_proxy_stores(dash_app, dash_proxy, options, tokens):
    assert use(dash_proxy(dash_app("numbered.py").port, *options).url).tokens == tokens


def test_dash_proxy_storages(dash_app, dash_proxy, server, tmp_path):
    app = dash_app("numbered.py")
    redis, memcached = server(Redis, password="secret"), server(Memcached)
    for place, told in {
        "memory": "memory, until this command ends",
        "./kept": f"files in {tmp_path / 'kept'}",
        f"redis://:secret@{redis.address}/3": f"redis://:xxxxx@{redis.address}/3",
        f"memcached://{memcached.address}": f"memcached at {memcached.address}",
    }.items():
        caddy = dash_proxy(app.port, "--storage", place, folder=tmp_path)
        assert use(caddy.url).tokens == 6
        assert f"its data  {told}\n" in caddy.said
        assert "secret" not in caddy.said
        caddy.stop()
    assert len(payloads(tmp_path / "kept")) == 6
    assert int(redis.cli("-n", "3", "dbsize")) > 6  # what is known of the app is there, too


def test_dash_proxy_live_line(dash_app, terminal, tmp_path):
    """On a terminal one line is kept up to date, warnings of Caddy's stand above it, and Ctrl-C ends the command with the figures."""
    app = dash_app("numbered.py")
    caddy = DashProxy(tmp_path, [app.port], "--storage", "memory")
    screen = terminal(caddy.command, caddy.env)
    wait_until(lambda: screen.shown[-1].startswith("0 callbacks"), "the live line")
    use(caddy.url)
    wait_until(lambda: screen.shown[-1].startswith("2 callbacks · 6 Stores offloaded · 239."), "the figures")
    app.stop()
    assert requests.get(caddy.url, timeout=10).status_code == 502
    wait_until(lambda: any("ERROR" in line and "connection refused" in line for line in screen.shown[:-1]), "the log's line")
    wait_until(lambda: screen.shown[-1].startswith("2 callbacks"), "the live line below it")
    assert len([line for line in screen.shown if "callbacks ·" in line]) == 1
    assert all(len(line) < 80 for line in screen.shown if "callbacks ·" in line)
    screen.type("\x03")
    assert screen.wait() == 0
    assert re.fullmatch(rf"In \d+ s: {FIGURES}es", screen.shown[-2]), screen.shown
    assert screen.shown[-1] == ""


def test_dash_proxy_stopped_by_caddy_stop(dash_app, terminal, tmp_path):
    """`caddy stop` ends the command, too, with the figures."""
    caddy = DashProxy(tmp_path, [dash_app("numbered.py").port])
    screen = terminal(caddy.command, caddy.env)
    wait_until(lambda: screen.shown[-1].startswith("0 callbacks"), "the live line")
    use(caddy.url)
    wait_until(lambda: screen.shown[-1].startswith("2 callbacks"), "the figures")
    words(run("stop", "--address", f"localhost:{caddy.admin_port}"))
    assert screen.wait() == 0
    assert re.search(rf"^In \d+ s: {FIGURES}es$", "\n".join(screen.shown), re.MULTILINE)
