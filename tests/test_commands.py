"""`caddy dash-stash` looks at a Caddy that runs. For `caddy dash-proxy` see test_dash_proxy.py."""

import http.client
import json
import re
from contextlib import closing

import pytest

from harness.admin import Admin
from harness.caddy import binary, payloads
from harness.commands import complaint, dash_stash, use, words
from harness.dash_proxy import DashProxy
from harness.process import free_port, listens, wait_until


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
    told, also = json.loads(words(dash_stash(caddy.admin_port, "status", "--json"))), Admin(caddy.admin_port).status()
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
    app = Admin(caddy.admin_port).status()["apps"][0]["app"]
    assert words(dash_stash(caddy.admin_port, "explain", "store-0", "--app", app, "--namespace", "")).startswith("Store store-0")
    assert "no Store" in complaint(dash_stash(caddy.admin_port, "explain", "store-0", "--app", "elsewhere/"))
    told = words(dash_stash(caddy.admin_port, "explain", "store-0", "--json"))
    assert json.loads(told) == Admin(caddy.admin_port).get("store", id="store-0")
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

    app = Admin(caddy.admin_port).status()["apps"][0]["app"]
    caddy.allow("no app .* has been seen")
    assert 'no app "elsewhere/" has been seen' in complaint(dash_stash(caddy.admin_port, "purge", "--app", "elsewhere/"))
    said = words(dash_stash(caddy.admin_port, "purge", "--app", app, "--store", "store-0", "--namespace", ""))
    assert re.fullmatch(r"Removed 1 entry, 20\.\d kB\n", said), said

    ask = [str(binary()), "dash-stash", "purge", "--all", "--address", f"localhost:{caddy.admin_port}"]
    for answer, status, kept in (("n", 1, 5), ("y", 0, 0)):
        screen = terminal(ask, {})
        wait_until(lambda: "[y/N]" in screen.written, "the question")
        screen.type(f"{answer}\n")
        assert screen.wait() == status
        assert len(payloads(caddy.data)) == kept
    assert re.search(r"Removed \d+ entries, 10\d\.\d kB", screen.written)  # five Stores, and what is known of the app
    assert user.look() == "empty"


def test_dash_stash_without_dash_stash(dash_app, proxy):
    caddy = proxy(dash_app("numbered.py"), directives="")
    caddy.allow("no dash_stash is configured")
    assert "no dash_stash is configured" in complaint(dash_stash(caddy.admin_port, "status"))
    nobody = free_port()
    assert f"no Caddy answers at localhost:{nobody}: is it running?" in complaint(dash_stash(nobody, "status"))


@pytest.mark.parametrize("which", ["dash-proxy", "dash-stash page"])
def test_page(dash_app, dash_proxy, terminal, tmp_path, new_tab, which):
    """A browser opens the page by the URL that the command tells on a terminal, which by itself it cannot at the admin endpoint. With
    another key there is nothing."""
    app = dash_app("numbered.py")
    if which == "dash-proxy":
        caddy = DashProxy(tmp_path, [app.port])
        screen = terminal(caddy.command, caddy.env)
    else:
        caddy = dash_proxy(app.port)
        assert "run this on a terminal" in complaint(dash_stash(caddy.admin_port, "page"))
        screen = terminal([str(binary()), "dash-stash", "page", "--address", f"localhost:{caddy.admin_port}"], {})
    wait_until(lambda: "http://127" in screen.written, "the URL")
    url = re.search(r"http://127\S+", screen.written)[0]
    use(caddy.url)
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
