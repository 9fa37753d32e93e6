"""on_missing in a browser: a page whose data is gone from the storage becomes usable by itself, and drops what is of no use."""

import json
import os
import re
import shutil
import signal
import time

import pytest

from harness.caddy import block, payloads, stash
from harness.process import free_port
from harness.servers import Redis
from harness.versions import VERSIONS, number, python_of
from harness.wire import Client, figures, is_token

KINDS = "stores auto memory session local"
FILLED = "500500 501500 502500"  # what the first click of Fill puts into the three Stores of kept.py
GONE = "none none none"
AT_ONCE = 3  # seconds in which a page is usable again
CUT_SHORT = r"(_dash-update-component|_dash-stash/reload\.js).*net::ERR_ABORTED"  # by the reload, which others had asked for, too


@pytest.fixture
def kept(dash_app, proxy):
    """kept(options, **options of dash_app) -> kept.py, and a Caddy before it."""

    def start(options="", caddy_options=None, **app_options):
        app = dash_app("kept.py", bodies=True, **app_options)
        caddy = proxy(app, f"{KINDS}\n{options}", **(caddy_options or {}))
        caddy.url += app_options.get("prefix", "/")[1:]
        return app, caddy

    return start


def fill(tab):
    tab.click("#fill")
    tab.click("#read")
    assert re.fullmatch(r"\d+ \d+ \d+", tab.text("#report"))
    return tab.text("#report")


def lose(caddy):
    """Removes all that is stored."""
    for file in payloads(caddy.data):
        file.unlink()


def reload_by(tab, selector):
    """Clicks on what has the page reload by itself, and waits until it is usable again. Returns the seconds that took."""
    tab.allow(CUT_SHORT)
    began = time.monotonic()
    with tab.page.expect_navigation():
        tab.page.click(selector)
    tab.settle()
    return time.monotonic() - began


def tokens_in(tab):
    """The ids of the Stores of which a token is in the browser's storages, or data."""
    return sorted(tab.page.evaluate("""() => [sessionStorage, localStorage].flatMap(
        storage => Object.keys(storage).filter(key => key.startsWith('of-') && storage.getItem(key).includes('$dashstash')))"""))


def pages(tab):
    """How often a page was opened."""
    return sum(exchange.path.endswith("_dash-layout") for exchange in tab.exchanges)


@pytest.mark.parametrize("version", [version for version in VERSIONS if number(version) >= (2, 18)])
def test_A30_the_page_heals(kept, tab, version):
    """When its data is evicted, a page reloads once, with no dead token left in the browser, and works again; the app has never
    got anything for what is gone."""
    app, caddy = kept(python=python_of(version))
    tab.open(caddy.url)
    assert fill(tab) == FILLED
    assert tokens_in(tab) == ["of-local", "of-session"]
    lose(caddy)
    app.forget()
    tab.forget()
    assert reload_by(tab, "#read") < AT_ONCE + 2  # the tests run beside each other
    assert pages(tab) == 1
    assert tokens_in(tab) == []
    assert [tab.text(f"#opening-{kind}") for kind in ("session", "local")] == ["none", "none"]
    assert not any("read.n_clicks" in (entry.body or "") and '"value":1}' in entry.body for entry in app.received())
    fill(tab)
    assert tokens_in(tab) == ["of-local", "of-session"]
    tab.reload()
    assert tab.text("#opening-local") != "none"
    assert caddy.logs("warn", "data of a Store is gone")


def damage(caddy):
    for file in payloads(caddy.data):
        whole = bytearray(file.read_bytes())
        whole[1000] ^= 1
        file.write_bytes(whole)


def wipe(caddy):
    shutil.rmtree(caddy.data / "dash_stash")


def expire(caddy):
    time.sleep(6.5)


def check_heals(caddy, tab, loss=lose):
    """A page that is opened there becomes usable again by itself when its data is lost."""
    tab.open(caddy.url)
    fill(tab)
    loss(caddy)
    reload_by(tab, "#read")
    assert tokens_in(tab) == []
    fill(tab)


@pytest.mark.parametrize("loss", [damage, wipe, expire])
def test_A31_A35_A43_however_it_was_lost(kept, tab, loss):
    """The page heals likewise when its data was damaged, when somebody has removed the storage's directory under a running Caddy,
    and when it has expired."""
    _, caddy = kept("ttl 6s" if loss is expire else "")
    check_heals(caddy, tab, loss)


@pytest.mark.parametrize("version", [version for version in VERSIONS if number(version) < (2, 18)])
def test_an_older_dash_gets_null(kept, tab, version):
    """Before Dash 2.18 the renderer runs no script: there the app gets null, and the log says so once."""
    _, caddy = kept(python=python_of(version))
    tab.open(caddy.url)
    fill(tab)
    lose(caddy)
    for _ in range(2):
        tab.click("#read")
        assert tab.text("#report") == GONE
    assert len(caddy.logs("warn", "on_missing reload needs Dash 2.18")) == 1


@pytest.mark.parametrize("env", [{"CSP": "1"}, {"PREFIX": "/some/where/"}])
def test_the_script_runs(kept, tab, env):
    """Also where the page allows no script but its own, and under a prefix."""
    _, caddy = kept(env=env, prefix=env.get("PREFIX", "/"))
    check_heals(caddy, tab)


def test_the_script_runs_where_the_prefix_is_stripped(dash_app, caddy, tab):
    """The page itself tells the prefix that browsers see, if a server in front of this one has stripped it."""
    app = dash_app("kept.py", env={"PREFIX": "/outside/"}, prefix="/outside/")
    inner, outer = free_port(), free_port()
    sites = block(f"http://127.0.0.1:{inner}", stash(KINDS), "rewrite * /outside{uri}", f"reverse_proxy 127.0.0.1:{app.port}")
    sites += "\n" + block(f"http://127.0.0.1:{outer}", block("handle_path /outside/*", f"reverse_proxy 127.0.0.1:{inner}")) + "\n"
    proxy = caddy(sites, outer)
    proxy.url += "outside/"
    check_heals(proxy, tab)


def test_several_tabs(kept, new_tab):
    """Each tab of a user heals by itself, once."""
    _, caddy = kept()
    first = new_tab()
    second = new_tab(beside=first)
    for tab in (first, second):
        tab.open(caddy.url)
        fill(tab)
    lose(caddy)
    for tab in (first, second):
        tab.forget()
        reload_by(tab, "#read")
        assert pages(tab) == 1
    for tab in (first, second, first):
        fill(tab)


def test_only_what_is_gone_is_dropped(kept, tab):
    """Of several tokens, that alone is taken out of the browser whose data is gone; and what else is there stays as it is."""
    _, caddy = kept()
    tab.open(caddy.url)
    before = set(payloads(caddy.data))
    fill(tab)
    local = next(file for file in set(payloads(caddy.data)) - before if file.read_bytes().startswith(b"[3,"))
    session = next(file for file in payloads(caddy.data) if file.read_bytes().startswith(b"[2,"))
    tab.page.evaluate("""() => {
        const dead = JSON.parse(sessionStorage.getItem('of-session'));
        localStorage.setItem('app', JSON.stringify({text: '$dashstash', list: [1, {inner: dead}]}));
        localStorage.setItem('text', '{"$dashstash": no JSON');
        localStorage.setItem('own', '{"$dashstash":"mine"}');
    }""")
    session.unlink()
    reload_by(tab, "#read")
    assert local.exists()
    assert tokens_in(tab) == ["of-local"]
    assert (tab.text("#opening-session"), tab.text("#opening-local")) == ("none", "502500")
    left = {key: tab.page.evaluate("key => localStorage.getItem(key)", key) for key in ("app", "text", "own")}
    assert left == {"app": '{"text":"$dashstash","list":[1,{"inner":null}]}', "text": '{"$dashstash": no JSON', "own": '{"$dashstash":"mine"}'}


def test_a_second_miss_at_once(kept, tab):
    """Where a page misses data again as soon as it has been reloaded, it says so to its user and leaves it at that."""
    _, caddy = kept()
    tab.open(caddy.url)
    fill(tab)
    tab.allow("net::ERR_ABORTED")
    dead = json.dumps({"$dashstash": "A" * 80})
    tab.page.add_init_script(f"localStorage.setItem('of-local', '{dead}')")
    tab.forget()
    tab.page.reload()
    notice = tab.page.get_by_role("alert")
    notice.wait_for()
    tab.page.wait_for_timeout(2000)
    assert pages(tab) == 2
    tab.settle()
    assert "no longer on the server" in notice.inner_text()
    assert tokens_in(tab) == ["of-session"]
    tab.click("#fill")  # the page can be used meanwhile
    tab.forget()
    tab.page.keyboard.press("Tab")
    button = notice.get_by_role("button", name="Reload")
    button.focus()
    with tab.page.expect_navigation():
        tab.page.keyboard.press("Enter")
    notice.wait_for()
    tab.page.wait_for_timeout(2000)
    assert (pages(tab), notice.count()) == (1, 1)


def test_a_storage_that_is_away_for_a_while(kept, server, tab):
    """While the storage cannot be asked, nothing is taken out of the browser: when it is back, the data is there."""
    redis = server(Redis)
    _, caddy = kept(redis.storage("near off"))
    tab.open(caddy.url)
    before = fill(tab)
    os.kill(redis.process.pid, signal.SIGSTOP)
    tab.allow("503|Callback error|_dash-stash/gone")
    caddy.allow("storage is unavailable")
    for _ in range(3):
        tab.click("#read")
        assert (tab.callbacks[-1].status, tokens_in(tab)) == (503, ["of-local", "of-session"])
    assert tab.page.evaluate("""async () => (await fetch('_dash-stash/gone?namespace=' + %s, {
        method: 'POST', body: JSON.stringify([JSON.parse(localStorage.getItem('of-local'))])})).status""" % json.dumps("af1349b9")) == 503
    os.kill(redis.process.pid, signal.SIGCONT)
    deadline = time.monotonic() + 30
    while tab.callbacks[-1].status == 503 and time.monotonic() < deadline:
        tab.click("#read")
    assert tab.text("#report") == before


@pytest.mark.parametrize("on_missing, status", [("prevent_update", 204), ("error", 410)])
def test_without_a_reload(kept, tab, on_missing, status):
    """The page stays as it is, and the app is not called."""
    app, caddy = kept(f"on_missing {on_missing}")
    tab.open(caddy.url)
    before = fill(tab)
    lose(caddy)
    app.forget()
    tab.allow("status of 410|Callback error|Data is gone")
    tab.click("#read")
    assert tab.callbacks[-1].status == status and figures(tab.callbacks[-1].headers)["missed"] == 3
    assert (tab.text("#report"), app.received()) == (before, [])


def test_A19_another_user_of_the_browser(kept, tab):
    """Who logs in after somebody else gets none of that user's data from the browser's storages, and a page that works."""
    _, caddy = kept("scope {http.request.cookie.user}")
    tab.allow(CUT_SHORT)
    reports = []
    for user in ("ann", "bob"):
        tab.page.context.add_cookies([{"name": "user", "value": user, "url": caddy.url}])
        if user == "ann":
            tab.open(caddy.url)
        else:
            with tab.page.expect_event("load"):
                tab.page.goto(caddy.url)
            tab.expect_text("#opening-local", "none")
            tab.settle()
            assert tokens_in(tab) == []
        tab.click("#fill")
        reports.append(tokens_in(tab))
        assert is_token(json.loads(tab.page.evaluate("localStorage.getItem('of-local')")))
    assert reports[0] == reports[1]


def test_A36_fifty_losses(kept, tab):
    """Data is evicted, Caddy restarted, and restarted without its storage, fifty times in a row: no error, no loop, and within
    three seconds a page that works."""
    _, caddy = kept()
    tab.open(caddy.url)
    took = []
    for turn in range(50):
        before = fill(tab)
        tab.forget()
        match turn % 3:
            case 0:
                lose(caddy)
            case 1:
                caddy.restart()
                tab.click("#read")
                assert (tab.text("#report"), pages(tab)) == (before, 0)
                continue
            case 2:
                caddy.stop()
                shutil.rmtree(caddy.data / "dash_stash")
                caddy.start()
        took.append(reload_by(tab, "#read"))
        assert pages(tab) == 1
        assert {exchange.status for exchange in tab.callbacks} <= {200, 204}
        assert tab.page.get_by_role("alert").count() == 0
    took.sort()
    assert took[len(took) // 2] < AT_ONCE, took
    Client(caddy.url).open()
