"""The commands: `caddy dash-proxy` serves an app without a Caddyfile, `caddy dash-stash` looks at a Caddy that runs."""

import http.client
import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
import requests

from harness.caddy import binary, payloads
from harness.dash_proxy import DashProxy, Terminal
from harness.process import free_port, listens, wait_until
from harness.raw import Listener
from harness.servers import Memcached, Redis
from harness.user import User
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


@pytest.fixture
def terminal():
    """terminal(command, env) -> Terminal, running."""
    opened = []

    def start(*args) -> Terminal:
        opened.append(Terminal(*args))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


def use(url: str) -> User:
    """A user fills six Stores with 20 kB each, and reads them."""
    user = User(url)
    user.fill(20_000)
    user.read()
    return user


def api(admin_port: int, path: str) -> requests.Response:
    return requests.get(f"http://localhost:{admin_port}/dash_stash/{path}", timeout=10)


def run(*args: str, **env: str) -> subprocess.CompletedProcess:
    """Runs a command that ends by itself."""
    return subprocess.run([binary(), *args], text=True, capture_output=True, timeout=30, stdin=subprocess.DEVNULL,
                          env={**os.environ, **env})


def dash_stash(admin_port: int, *args: str) -> subprocess.CompletedProcess:
    return run("dash-stash", *args, "--address", f"localhost:{admin_port}")


def words(done: subprocess.CompletedProcess) -> str:
    """What a command says that worked."""
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def complaint(done: subprocess.CompletedProcess) -> str:
    """The one line that a command says that did not work."""
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_dash_proxy(dash_app, dash_proxy):
    """The command serves the app, keeps its data in files, says where all is, and in the end what was saved."""
    app = dash_app("numbered.py")
    caddy = dash_proxy(app.port)
    user = use(caddy.url)
    assert user.tokens == 6
    assert len(payloads(caddy.data)) == 6
    assert caddy.said.startswith(f"Dashstash: http://localhost:{caddy.port}/, and")
    assert re.search(rf"the app +127.0.0.1:{app.port}\n +its data +files in {caddy.data}\n +watch it +http://127", caddy.said)
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
    assert f"caddy dash-stash status --address 127.0.0.1:{own}" in two.said
    assert api(one.admin_port, "status").json()["live"]["callbacks"] == 0
    assert api(own, "status").json()["live"]["callbacks"] == 2


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


def test_dash_stash_status(dash_app, proxy):
    """The table shows what the API tells, and --json is what the API tells."""
    caddy = proxy(dash_app("numbered.py"), "exclude store-5")
    use(caddy.url)
    said = words(dash_stash(caddy.admin_port, "status"))
    assert re.search(r"^store-0 +memory +offloaded +39\.\d kB +20\.\d kB +0$", said, re.MULTILINE), said
    assert re.search(r"^store-5 +memory +inline +0 B +20\.\d kB +0  excluded$", said, re.MULTILINE), said
    assert re.search(r"^2 callbacks, ", said, re.MULTILINE)
    assert str(caddy.data / "dash_stash")[:20] in said
    assert max(map(len, said.splitlines())) <= 100
    told, also = json.loads(words(dash_stash(caddy.admin_port, "status", "--json"))), api(caddy.admin_port, "status").json()
    assert told.pop("now") < also.pop("now")
    assert told == also


def test_dash_stash_status_by_config(dash_app, proxy):
    """The address of the admin endpoint can come from the configuration, as for `caddy reload`."""
    caddy = proxy(dash_app("numbered.py"))
    file = next(caddy.folder.glob("Caddyfile-*"))
    assert "Since" in caddy.command("dash-stash", "status", "--config", str(file), "--adapter", "caddyfile")


def test_dash_stash_explain(dash_app, proxy):
    caddy = proxy(dash_app("numbered.py"), "exclude store-5")
    use(caddy.url)
    said = words(dash_stash(caddy.admin_port, "explain", "store-0"))
    assert said.startswith("Store store-0 of 127.0.0.1")
    assert "Its data is kept on the server." in said
    assert re.search(r"^ +restored +1 value, 20\.\d kB$", said, re.MULTILINE)
    assert "exclude names it" in words(dash_stash(caddy.admin_port, "explain", "store-5"))
    told = words(dash_stash(caddy.admin_port, "explain", "store-0", "--json"))
    assert json.loads(told) == api(caddy.admin_port, "store?id=store-0").json()
    unseen = complaint(dash_stash(caddy.admin_port, "explain", "store"))
    assert 'no Store "store" has been seen' in unseen
    assert "store-0" in unseen


def test_dash_stash_purge(dash_app, proxy, terminal):
    caddy = proxy(dash_app("numbered.py"), "on_missing null")
    user = use(caddy.url)
    said = complaint(dash_stash(caddy.admin_port, "purge"))
    assert "use --all, or some of --namespace, --app, --store, --older-than" in said
    caddy.allow("older_than")
    said = complaint(dash_stash(caddy.admin_port, "purge", "--older-than", "long"))
    assert "older_than" in said and "{" not in said
    assert words(dash_stash(caddy.admin_port, "purge", "--older-than", "1h")) == "Removed 0 entries, 0 B\n"

    ask = [str(binary()), "dash-stash", "purge", "--all", "--address", f"localhost:{caddy.admin_port}"]
    for answer, status, kept in (("n", 1, 6), ("y", 0, 0)):
        screen = terminal(ask, {})
        wait_until(lambda: "[y/N]" in screen.written, "the question")
        screen.type(f"{answer}\n")
        assert screen.wait() == status
        assert len(payloads(caddy.data)) == kept
    assert "Removed 6 entries, 120." in screen.written or "Removed 7 entries" in screen.written
    assert user.look() == "empty"


def test_dash_stash_without_dash_stash(dash_app, proxy):
    caddy = proxy(dash_app("numbered.py"), directives="")
    caddy.allow("no dash_stash is configured")
    assert "no dash_stash is configured" in complaint(dash_stash(caddy.admin_port, "status"))
    nobody = free_port()
    assert f"no Caddy answers at localhost:{nobody}: is it running?" in complaint(dash_stash(nobody, "status"))


@pytest.mark.parametrize("which", ["dash-proxy", "dash-stash page"])
def test_page(dash_app, dash_proxy, terminal, new_tab, which):
    """A browser opens the page by the URL that the command tells, which by itself it cannot at the admin endpoint. With another key
    there is nothing."""
    caddy = dash_proxy(dash_app("numbered.py").port)
    use(caddy.url)
    url = caddy.page
    if which != "dash-proxy":
        screen = terminal([str(binary()), "dash-stash", "page", "--address", f"localhost:{caddy.admin_port}"], {})
        wait_until(lambda: "http://" in screen.written, "the URL")
        url = re.search(r"http://\S+", screen.written)[0]
    tab = new_tab()
    tab.allow("net::ERR_")  # it is closed here, and ends with the command
    page = tab.page
    assert page.goto(url).status == 200
    told = page.evaluate("async () => (await fetch('status')).json()")
    assert told["live"]["callbacks"] == 2
    assert page.evaluate("""() => new Promise(done => {
        const events = new EventSource('events');
        events.onmessage = event => { events.close(); done(JSON.parse(event.data)); };
    })""")["live"] == told["live"]
    gone = page.evaluate("""async () => (await fetch('purge', {method: 'POST', body: '{"all":true}',
        headers: {'Content-Type': 'application/json'}})).json()""")
    assert gone["entries"] >= 6
    origin, key = re.fullmatch(r"(http://127.0.0.1:\d+)/([\w-]{22})/", url).groups()
    for path in ("/", "/dash_stash/status", f"/{key[::-1]}/status", f"/{key}/../config/", f"/{key}"):
        assert raw_status(origin, path) == 404
    assert raw_status(origin, f"/{key}/status", host="evil.example") == 404
    if which != "dash-proxy":
        screen.type("\x03")
        assert screen.wait() == 0
        assert not listens(int(origin.rpartition(":")[2]))


def raw_status(origin: str, path: str, host: str | None = None) -> int:
    """The status of the answer to a path as it is written."""
    connection = http.client.HTTPConnection(origin.removeprefix("http://"), timeout=10)
    with closing(connection):
        connection.putrequest("GET", path, skip_host=host is not None)
        if host:
            connection.putheader("Host", host)
        connection.endheaders()
        return connection.getresponse().status
