"""A hostile user beside another: what one sends or sees never changes what the other gets, and no guess at who somebody is decides
who gets a token.
"""

import os
import random
import shutil
import subprocess

import pytest
import requests

from harness.admin import Admin
from harness.app import App
from harness.caddy import binary, block, indent, stash
from harness.hostile import ENDPOINTS, forged, gone_path, lookalikes, openings, respelled, spellings
from harness.process import free_port
from harness.raw import speak
from harness.visitor import Reloaded, Twins, Visitor, operations
from harness.wire import Client, compact, is_token, payload, token_texts

ROWS = [{"n": n, "of": "the victim"} for n in range(100)]
CROWDS = lookalikes(["df", "kept"], ["table"])
# What shows data where no components are, by the button that does.
PLACES = ["options", "value", "columns", "tooltips", "figure", "title", "attribute", "list", "rows", "set", "fill", "keep", "draw",
          "set-store"]
SITES = ["http://localhost:{}", "http://:{}"]  # of one name, and of any


def one_app(file, **options):
    """A fixture: an app for all tests here."""

    @pytest.fixture(scope="module")
    def running(tmp_path_factory):
        app = App(file, tmp_path_factory.mktemp("app"), **options)
        yield app
        app.stop()
        assert app.complaints() == []

    return running


echo = one_app("echo.py")
other_echo = one_app("echo.py", env={"CLIENTSIDE": "kept"})


def data(word, size=3000):
    """What Stores are filled with: it is offloaded, unless it is small."""
    return {"text": (f"{word} " * size)[:size], "added": []}


def filled(visitor, word, size=3000):
    """The visitor, with the Stores df and kept filled."""
    visitor.open()
    for button in ("fill", "keep"):
        visitor.click(button, data(word, size))
    return visitor


def is_recorded(value):
    """Whether the browser holds records of Patches, and all else is a token."""
    return isinstance(value, dict) and list(value) == ["$dashstash", "$dashstash_patches"]


def shows_nothing(visitor, word, texts):
    """Asserts that whatever a visitor makes of these texts of tokens, the app does not show data with the word in it."""
    for value in openings(texts):
        answer = visitor.send(df=value, kept=value)
        assert word not in answer.text, f"{compact(value)} is {answer.text[:500]}"


def works(victim):
    """Asserts that all is as ever for a user whose page is open: Stores are offloaded, Patches recorded, a table gets rows."""
    if "df.data" in victim.props:
        victim.click("extend", "later")
        assert is_recorded(victim.props["df.data"]), "a Patch is not recorded"
        assert victim.read()[0]["added"][-1] == "later"
    for button in ("fill", "keep"):
        victim.click(button, data("again"))
    assert is_token(victim.props["df.data"]) and is_token(victim.props["kept.data"]), "a Store's data is inline"
    for button in ("extend", "extend-kept"):
        victim.click(button, "once more")
    assert is_recorded(victim.props["df.data"]) and is_recorded(victim.props["kept.data"])
    victim.click("rows", ROWS)
    assert victim.props["table.data"] == ROWS
    victim.click("add", {"n": 100})
    assert victim.props["table.data"] == [*ROWS, {"n": 100}]
    assert victim.read() == [{**data("again"), "added": ["once more"]}, {**data("again"), "added": ["once more"]}, [*ROWS, {"n": 100}]]


# Folds


@pytest.fixture
def patched(echo, proxy):
    """A visitor of whose Store the app has read many Patches."""
    victim = filled(Visitor(proxy(echo).url), "victim")
    for n in range(20):
        victim.click("extend", f"victim {n}")
    assert victim.read()[0]["added"] == [f"victim {n}" for n in range(20)]
    return victim


@pytest.mark.parametrize("button", ["extend", "change"])
def test_a_patch_after_anothers_patches(patched, button):
    """A Patch for somebody with the same address and browser has none of another's records, also if the request shows Patches."""
    attacker = filled(Visitor(patched.client.url), "attacker")
    for n in range(2):
        assert operations(attacker.click(button, f"attacker {n}")) == ["Append"]
    assert attacker.read()[0]["added"] == ["attacker 0", "attacker 1"]
    assert not attacker.seen & patched.seen
    shows_nothing(attacker, "victim", attacker.seen)
    patched.click("extend", "last")
    assert patched.read()[0]["added"][-1] == "last"


def test_a_patch_of_nothing_after_anothers_patches(patched):
    """Nor has one for somebody who has no data in the Store: nothing in the answer shows the other's."""
    attacker = Visitor(patched.client.url)
    attacker.open()
    attacker.props["df.data"] = {}
    answer = attacker.click("extend", "attacker")
    assert not attacker.seen & patched.seen
    shows_nothing(attacker, "victim", token_texts(answer.content))


def test_a_patch_for_who_has_not_shown_the_chain(patched):
    """A request without the records may be anybody's: its answer has no fold of them, even if it is the victim's."""
    assert operations(patched.click("extend", "last")) == ["Append"]


@pytest.mark.parametrize("users", [1, 3])
def test_a_chain_that_was_shown_is_folded(echo, proxy, users):
    """Where a callback has the Store as State and answers with a Patch, what the browser holds stays short, and is right."""
    url = proxy(echo).url
    visitors = [filled(Visitor(url), f"user {n}") for n in range(users)]
    longest, folds = 0, 0
    for n in range(50):
        for visitor in visitors:
            folds += len(operations(visitor.click("change", n))) > 1
            longest = max(longest, compact(visitor.props["df.data"]).count(",") + 1)
    assert folds >= 2 * users
    assert longest < 40
    for n, visitor in enumerate(visitors):
        assert visitor.read()[0] == {**data(f"user {n}"), "added": list(range(50))}
    assert users == 1 or not set.intersection(*(visitor.seen for visitor in visitors))


# Sites


def anywhere(head, *directives):
    """A site with these directives."""
    return block(head, *directives) + "\n"


@pytest.fixture(params=SITES)
def two_sites(request, echo, other_echo, caddy):
    """The ports of two sites of one Caddy, each in front of an app of its own."""
    ports = [free_port(), free_port()]
    running = caddy("".join(anywhere(request.param.format(port), stash(), f"reverse_proxy 127.0.0.1:{app.port}")
                            for port, app in zip(ports, (echo, other_echo), strict=True)), ports[0])
    running.allow("http.log.error")
    return ports


def named(port, hosts):
    """Visitors of a port who call it by these names, if a site there has the name."""
    for host in hosts:
        visitor = Visitor(f"http://127.0.0.1:{port}/", {"Host": host})
        try:
            visitor.open()
        except (requests.RequestException, StopIteration):
            continue
        yield visitor


def misuse(attacker):
    """Has an app, in which the browser reads kept, say all that it has to say, and shows pages on which df is something else."""
    attacker.click("keep", data("attacker"))
    for path in ("/div", "/table", "/local"):
        attacker.go(path)


def test_another_site_by_this_ones_name(two_sites):
    """Requests to a site that name another one teach that nothing."""
    one, other = two_sites
    victim = filled(Visitor(f"http://localhost:{one}/"), "victim")
    attackers = list(named(other, spellings("localhost", one)))
    assert attackers
    for attacker in attackers:
        misuse(attacker)
    works(victim)


def test_a_token_at_another_site(two_sites):
    """A token of one site opens nowhere on another, whatever name that is called by."""
    one, other = two_sites
    victim = filled(Visitor(f"http://localhost:{one}/"), "victim")
    victim.click("extend", "victim")
    tokens = [{"$dashstash": text} for text in token_texts(compact(victim.props).encode())]
    for attacker in named(other, [*spellings("localhost", one), f"localhost:{other}"]):
        shows_nothing(attacker, "victim", victim.seen)
        assert told_gone(attacker, tokens) == [True] * len(tokens)
    assert told_gone(victim, [victim.props["kept.data"]]) == [False]
    assert victim.read()[0] == {**data("victim"), "added": ["victim"]}


def told_gone(visitor, values):
    """Which of these values are of no use to a visitor, as its page would be told."""
    [text, *_] = token_texts(compact(values).encode())
    answer = visitor.client.session.post(visitor.client.url + gone_path(text), data=compact(values), timeout=30)
    answer.raise_for_status()
    return answer.json()


def test_a_target_that_names_another_site(two_sites):
    """So it is where not the header Host, but the request's first line has the other's name."""
    one, other = two_sites
    victim = filled(Visitor(f"http://localhost:{one}/"), "victim")
    victim.click("extend", "victim")
    for value in openings(victim.seen):
        body = payload(["report.children"], {"read.n_clicks": 1}, {"df.data": value, "kept.data": None, "table.data": None})
        assert b"victim" not in absolute(other, "POST", one, "_dash-update-component", body)
    for path in ("_dash-dependencies", "_dash-layout"):
        assert b" 200 OK" in absolute(other, "GET", one, path)
    works(victim)


def absolute(port, method, named, path, body=""):
    """The answer of a port to a request that names another one in its first line."""
    head = [f"{method} http://localhost:{named}/{path} HTTP/1.1", f"Host: localhost:{port}", "Content-Type: application/json",
            f"Content-Length: {len(body)}", "Connection: close"]
    return speak(port, "\r\n".join([*head, "", body]).encode(), 20)


@pytest.fixture
def two_blocks(echo, other_echo, caddy):
    """The URL of a site with two blocks that differ by a header, each in front of an app of its own."""
    port = free_port()
    blocks = [block(f"handle {matcher}", stash(), f"reverse_proxy 127.0.0.1:{app.port}")
              for matcher, app in (("@other", other_echo), ("", echo))]
    return caddy(anywhere(f"http://localhost:{port}", "@other header X-App other", *blocks), port).url.replace("127.0.0.1", "localhost")


def test_another_block_of_the_site(two_blocks):
    """Requests to one of two blocks, by a header that anybody may send, teach the other nothing."""
    victim = filled(Visitor(two_blocks), "victim")
    attacker = Visitor(two_blocks, {"X-App": "other"})
    attacker.open()
    misuse(attacker)
    works(victim)


def test_a_token_in_another_block(two_blocks):
    """A token of one of two blocks opens nothing in the other."""
    victim = filled(Visitor(two_blocks), "victim")
    victim.click("extend", "victim")
    attacker = Visitor(two_blocks, {"X-App": "other"})
    attacker.open()
    shows_nothing(attacker, "victim", victim.seen)
    assert victim.read()[0] == {**data("victim"), "added": ["victim"]}


def test_many_spellings_of_a_host(echo, caddy):
    """However a host is spelled, it is one entry of what is known."""
    port, chance = free_port(), random.Random(1)
    running = caddy(anywhere(f"http://:{port}", stash(), f"reverse_proxy 127.0.0.1:{echo.port}"), port)
    for host in {respelled("some.example.test", chance) for _ in range(300)}:
        client = Client(running.url, {"Host": host})
        for path in ("_dash-layout", "_dash-dependencies"):
            client.session.get(running.url + path, timeout=30).raise_for_status()
        client.call(["page.children"], {"url.pathname": "/"}).raise_for_status()
    assert len(Admin(running.admin_port).status()["apps"]) == 1


def test_names_by_the_thousand(echo, caddy):
    """Who asks for the app by more names than are kept changes nothing for its users."""
    port = free_port()
    running = caddy(anywhere(f"http://:{port}", stash("storage memory"), f"reverse_proxy 127.0.0.1:{echo.port}"), port)
    victim, small = filled(Visitor(running.url), "victim"), filled(Twins(echo.url, running.url), "small", 20)
    for visitor in (victim, small):
        visitor.click("extend", "before")
    client = Client(running.url)
    for n in range(2200):
        client.session.get(running.url + "_dash-dependencies", headers={"Host": f"name-{n}.test"}, timeout=30)
    small.click("extend", "after")
    small.read()
    works(victim)


@pytest.mark.parametrize("status", [401, 404, 500])
def test_names_that_nothing_is_behind(caddy, status):
    """A name for which the app had no answer is no entry of what is known."""
    port, app = free_port(), free_port()
    running = caddy(anywhere(f"http://:{port}", stash(), f"reverse_proxy 127.0.0.1:{app}")
                    + anywhere(f"http://:{app}", f"respond {status}"), port)
    running.allow("http.log.error")
    for n in range(10):
        for method, path in ENDPOINTS:
            for prefix in ("", f"prefix-{n}/"):
                requests.request(method, running.url + prefix + path, headers={"Host": f"name-{n}.test"}, json={}, timeout=30)
    assert Admin(running.admin_port).status()["apps"] == []


def test_a_reload_that_leaves_the_site_as_it_is(echo, caddy):
    """Tokens stay good when the configuration is loaded again, also with other sites beside this one."""
    port = free_port()
    site, others = (anywhere(f"http://localhost:{number}", stash(), f"reverse_proxy 127.0.0.1:{echo.port}")
                    for number in (port, free_port()))
    running = caddy(site, port)
    victim = filled(Visitor(f"http://localhost:{port}/"), "victim")
    for count, sites in enumerate((site, others + site, site + others, site)):
        victim.click("extend", count)
        running.reload(sites)
        assert victim.read()[0] == {**data("victim"), "added": list(range(count + 1))}
    works(victim)


# Scope


def test_a_scope_that_is_the_same_for_all(tmp_path):
    """A scope without a placeholder is refused, and the error tells what would be right."""
    caddyfile = tmp_path / "Caddyfile"
    caddyfile.write_text(anywhere(f"http://:{free_port()}", stash("scope user"), "respond 200"))
    done = subprocess.run([binary(), "validate", "--config", caddyfile, "--adapter", "caddyfile"], text=True, timeout=30, cwd=tmp_path,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, "HOME": str(tmp_path)})
    assert done.returncode != 0, done.stdout
    last = done.stdout.splitlines()[-1]
    assert "scope" in last and "user" in last and "{http." in last


@pytest.mark.parametrize("scope, without", [
    ("{header.X-User}", {}), ("{header.X-User}", {"X-User": ""}), ("user:{header.X-User}", {}), ("user:{header.X-User}", {"X-User": ""}),
    ("{http.auth.user.idd}", {}), ("user:{http.auth.user.idd}", {})])
def test_a_scope_without_a_value(echo, proxy, scope, without):
    """Who has no value of the scope uses the app as in plain Dash: nothing is offloaded, no token opens. That is one warning. Who has
    one is served as ever."""
    caddy = proxy(echo, f"scope {scope}\non_missing null")
    known, nobody = Visitor(caddy.url, {"X-User": "ann"}), [Twins(echo.url, caddy.url, without) for _ in range(2)]
    filled(known, "known").click("extend", "known")
    if "header" in scope:
        assert is_token(known.props["kept.data"]) and is_recorded(known.props["df.data"])
    for each in nobody:
        filled(each, "nobody").click("rows", ROWS)
        for button in ("extend", "change", "add"):
            each.click(button, {"more": button})
        assert each.stashed.props == each.direct.props
        each.read()
        assert each.stashed.seen == set()
    shows_nothing(nobody[0].stashed, "known", known.seen)
    assert known.read()[0] == {**data("known"), "added": ["known"]}
    if "header" in scope:
        works(known)
    assert len(caddy.logs("warn", "scope")) == 1


# Data that looks like components


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("crowd", ["a table is a Store", "a Store is a Div", "many are Stores"])
def test_data_that_looks_like_components(echo, proxy, crowd, place):
    """What one user gives, and the app shows where no components are, is no component: for another, Stores are Stores and tables are
    tables."""
    url = proxy(echo).url
    victim, attacker = filled(Visitor(url), "victim"), Visitor(url)
    attacker.open()
    attacker.click(place, CROWDS[crowd])
    works(victim)
    works(filled(Visitor(url), "later"))


@pytest.mark.parametrize("size", [20, 3000], ids=["inline", "offloaded"])
@pytest.mark.parametrize("crowd", CROWDS)
def test_components_that_a_user_makes(echo, proxy, crowd, size):
    """Where the app shows what a user gives as components, another's table gets rows, and the other's data is right, or the page
    reloads."""
    url = proxy(echo).url
    victim, attacker = filled(Twins(echo.url, url), "victim", size), Visitor(url)
    victim.click("extend", "before")
    attacker.open()
    attacker.click("children", CROWDS[crowd])
    check(victim)
    victim.click("rows", ROWS)
    assert victim.stashed.props["table.data"] == ROWS


def check(victim):
    """Asserts that after Patches the app gets what it would get without Dashstash, unless the page reloads."""
    for button in ("extend", "change", "extend-kept", "extend"):
        if "added" in (victim.direct.props.get("df.data") or {}):
            victim.click(button, "later")
        victim.read()
    for button in ("fill", "keep"):
        victim.click(button, data("again"))
        victim.read()


# One id as two things


@pytest.mark.parametrize("size", [20, 3000], ids=["inline", "offloaded"])
@pytest.mark.parametrize("path", ["/div", "/table", "/local"])
def test_another_component_with_the_id_of_a_store(echo, proxy, path, size):
    """Somebody opens a page on which the id of a Store is another component. Who has the Store, with data or with a token, loses
    nothing: the app gets the right value, or the page reloads."""
    url = proxy(echo).url
    victim, attacker = filled(Twins(echo.url, url), "victim", size), Visitor(url)
    for n in range(3):
        victim.click("extend", n)
        victim.read()
        attacker.open(path)
        check(victim)
        filled(victim, "victim", size)


def test_a_table_with_the_id_of_a_store(echo, proxy):
    """A table gets rows, however often others open the page on which its id is a Store, and after a restart."""
    caddy = proxy(echo)
    table, others = Visitor(caddy.url), Visitor(caddy.url)
    for path in ("/", "/local"):
        table.open("/table")
        filled(others, "others")
        others.open(path)
        for restarted in (False, True):
            table.click("fill", ROWS)
            assert table.props["df.data"] == ROWS
            others.open(path)
            if restarted:
                caddy.restart()
    table.click("fill", ROWS)
    assert table.props["df.data"] == ROWS


@pytest.mark.parametrize("paths", [("/", "/local"), ("/local", "/")], ids="-".join)
def test_two_storage_types_of_one_id(echo, proxy, paths):
    """With `stores auto memory`, an id that is a memory Store on one page and a local one on another is offloaded on neither."""
    url = proxy(echo, "stores auto memory").url
    visitors = [Visitor(url) for _ in paths]
    for visitor, path in zip(visitors, paths, strict=True):
        visitor.open(path)
    for visitor in [*visitors, *visitors]:
        visitor.click("fill", data("visitor"))
        assert visitor.props["df.data"] == data("visitor")
        visitor.open(visitor.path)


# A stranger


@pytest.fixture(params=["401", "page"])
def login(request, dash_app, proxy):
    """A Caddy that keeps data only until it is restarted, in front of an app for users with a cookie."""
    return proxy(dash_app("login.py", env={"STRANGERS": request.param}), "storage memory")


def knock(url, chance=random.Random(2)):
    """A stranger asks for everything, with tokens that are none."""
    body = {"output": "report.children", "outputs": {"id": "report", "property": "children"}, "changedPropIds": ["read.n_clicks"],
            "inputs": [{"id": "read", "property": "n_clicks", "value": 1}],
            "state": [{"id": "df", "property": "data", "value": {"$dashstash": forged("A" * 80, chance)}}]}
    for method, path in ENDPOINTS:
        requests.request(method, url + path, json=body if method == "POST" else None, timeout=30)


@pytest.mark.parametrize("loss", ["restarted", "purged"])
@pytest.mark.parametrize("when", ["before", "between", "always"])
def test_a_stranger_whom_the_app_does_not_let_in(login, when, loss):
    """Whatever the app answers to a stranger, and when, is not what it is to its users: what they lost is missed as `on_missing`
    says, their Stores are offloaded, and what the browser reads stays there."""

    def stranger(now):
        if when in (now, "always"):
            knock(login.url)

    login.allow("http.log.error")
    stranger("before")
    user = filled(Visitor(login.url, {"Cookie": "user=ann"}), "ann")
    for _ in range(2):
        works(user)
        if loss == "restarted":  # which loses also what was known of the app
            login.restart()
        else:
            Admin(login.admin_port).purge(all=True)
        stranger("between")
        with pytest.raises(Reloaded):
            user.read()
        stranger("between")
        user.click("draw", data("ann"))
        assert user.props["drawn.data"] == data("ann")
    stranger("between")
    works(user)


def test_a_stranger_before_the_first_answer(login):
    """After such a loss, the very first answer to a user whose page is open is offloaded again."""
    user = filled(Visitor(login.url, {"Cookie": "user=ann"}), "ann")
    login.restart()
    knock(login.url)
    user.click("keep", data("ann"))
    assert is_token(user.props["kept.data"])


# What a restart leaves in doubt


def test_a_table_of_a_page_after_a_restart(echo, proxy):
    """A Patch of a table that no layout has, but an answer brought, goes to the browser as it is after Caddy has started again."""
    caddy = proxy(echo)
    visitor = filled(Visitor(caddy.url), "visitor")
    visitor.click("rows", ROWS)
    for n in range(3):
        caddy.restart()
        visitor.click("add", {"n": n})
        assert visitor.props["table.data"] == [*ROWS, *({"n": each} for each in range(n + 1))]
    works(visitor)


def test_a_table_of_a_page_after_all_was_lost(echo, proxy):
    """Where the storage was lost, too, that may be in doubt, and the page reloads. Then it is not, for good."""
    caddy = proxy(echo)
    visitor = filled(Visitor(caddy.url), "visitor")
    visitor.click("rows", ROWS)
    caddy.stop()
    shutil.rmtree(caddy.data / "dash_stash")
    caddy.start()
    try:
        visitor.click("add", {"n": 0})
    except Reloaded:
        visitor.click("rows", ROWS)
        visitor.click("add", {"n": 0})
    assert visitor.props["table.data"] == [*ROWS, {"n": 0}]
    for n in (1, 2):
        caddy.restart()
        visitor.click("add", {"n": n})
        assert visitor.props["table.data"] == [*ROWS, *({"n": each} for each in range(n + 1))]
    caddy.restart()
    visitor.open()
    works(visitor)
