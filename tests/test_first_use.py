"""Nothing to import and nothing to break: a plain Dash app works as before when Dashstash stands in front of it."""

import ast
import json
import re
import subprocess
import sys

import pytest
import requests

from harness.compare import same_both_ways
from harness.wire import is_token

END_ID = re.compile(rb'"end_id":"[^"]*"')


def test_A1_no_caching_package(dash_app, proxy, tab):
    """The app's environment has no package for caching, the app imports only Dash, and its Stores are offloaded."""
    installed = subprocess.run([sys.executable, "-m", "pip", "list", "--format=json"], stdout=subprocess.PIPE, check=True)
    names = {package["name"].lower() for package in json.loads(installed.stdout)}
    assert not {name for name in names if re.search("cach|dash.extensions|stash|redis|memcache", name)}

    app = dash_app("three_stores.py")
    imports = [node for node in ast.walk(ast.parse(app.file.read_text())) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert {node.module for node in imports} == {"dash"}
    tab.open(proxy(app).url)
    tab.click("#load")
    tab.expect_text("#summary", "5000 rows, last name 4999, sum of halves 6248750.0")
    assert is_token(tab.callbacks[-1].value("rows.data"))


@pytest.mark.parametrize("path", ["dash/", "dash/_dash-layout", "dash/_dash-dependencies", "odd-style.css"])
def test_A2_documents_are_equal(dash_app, proxy, path):
    """The page, its layout, its callbacks and its style sheet come through byte for byte, with the same headers."""
    app = dash_app("own_server.py", prefix="/dash/")
    caddy = proxy(app)
    assert_same_answer(app, caddy, path)


def test_A2_page_looks_the_same(dash_app, proxy, new_tab):
    """With a style sheet from elsewhere, the page loads the same files, and they and its look are the same both ways."""
    app = dash_app("own_server.py", prefix="/dash/", bodies=True)
    caddy = proxy(app)

    def steps(tab):
        tab.click("#load")
        tab.expect_text("#report", "sum 12497500")
        spacing = tab.page.evaluate("getComputedStyle(document.querySelector('#report')).letterSpacing")
        return spacing, tab.page.locator("#react-entry-point").inner_html()

    direct, stashed = same_both_ways(app, caddy, new_tab, steps, page="dash/")
    assert direct.shown[0] == "3px"
    assert is_token(stashed.tab.callbacks[-1].value("store.data"))
    assert files(stashed.tab) == files(direct.tab)


def files(tab):
    return {e.path: (e.status, settled(e.response_body)) for e in tab.exchanges if e.method == "GET"}


def test_A6_three_stores_with_only_a_caddyfile(dash_app, proxy, new_tab):
    """The app of the thread shows the same with three tokens in place of its data, and the app receives the same."""
    app = dash_app("three_stores.py", bodies=True)
    caddy = proxy(app)

    def steps(tab):
        tab.click("#load")
        tab.click("#load")
        return tab.text("#summary"), tab.figure("graph")["data"][0]["y"]

    direct, stashed = same_both_ways(app, caddy, new_tab, steps)
    for name in ("rows", "squares", "names"):
        assert is_token(stashed.tab.callbacks[-1].value(f"{name}.data"))
        assert not is_token(direct.tab.callbacks[-1].value(f"{name}.data"))
    assert sum(e.bytes_down + e.bytes_up for e in direct.tab.callbacks) > 1_000_000
    assert sum(e.bytes_down + e.bytes_up for e in stashed.tab.callbacks) < 30_000


def test_A12_no_store_matched(dash_app, proxy, new_tab):
    """When no Store matches, every exchange of a session is what it is through a plain Caddy, headers included."""
    app = dash_app("three_stores.py", bodies=True)
    plain, idle = proxy(app, directives=""), proxy(app, "stores rows-* names?\nexclude *")

    sessions = []
    for caddy in (plain, idle):
        tab = new_tab()
        tab.open(caddy.url)
        tab.click("#load")
        tab.expect_text("#summary", re.compile("^5000 rows"))
        tab.figure("graph")  # which loads a script of its own
        sessions.append({
            (e.method, e.path, e.request_body): (e.status, settled(e.response_body), steady(e.headers))
            for e in tab.exchanges if not e.path.endswith(".map")})  # those the browser fetches for itself, or not
    through_plain, through_idle = sessions
    assert through_idle.keys() == through_plain.keys()
    for exchange, (status, body, headers) in through_plain.items():
        assert through_idle[exchange][:2] == (status, body), exchange
    for exchange, (status, body, headers) in through_plain.items():
        assert through_idle[exchange][2] == headers, exchange


@pytest.mark.parametrize("name", ["child", "list", "bare", "function", "deep"])
def test_A16_any_layout(five_layouts, new_tab, name):
    """A Store is found wherever a layout has it."""
    app, caddy = five_layouts

    def steps(tab):
        if name == "deep":
            tab.page.get_by_role("button", name="Open").click()
        tab.click("#load")
        tab.expect_text("#report", f"1000, last {name} 999")

    direct, stashed = same_both_ways(app, caddy, new_tab, steps, page=f"{name}/")
    assert is_token(stashed.tab.callbacks[-1].value("store.data"))


@pytest.fixture
def five_layouts(dash_app, proxy):
    app = dash_app("layouts.py", prefix="/child/", bodies=True)
    return app, proxy(app)


def test_A17_other_routes_of_the_server(dash_app, proxy):
    """Other routes pass untouched: a redirect, JSON that looks like a callback's, a file, a stream, HEAD, a range."""
    app = dash_app("own_server.py", prefix="/dash/")
    caddy = proxy(app)
    for path in ("", "data.json", "file.bin", "stream", "none-such"):
        assert_same_answer(app, caddy, path)
    assert_same_answer(app, caddy, "file.bin", method="HEAD")
    assert_same_answer(app, caddy, "file.bin", headers={"Range": "bytes=100-199"})
    assert_same_answer(app, caddy, "file.bin", headers={"If-None-Match": '"five-thousand"'})
    token = json.dumps({"inputs": [{"value": {"$dashstash": "A" * 80}}]})
    answer = assert_same_answer(app, caddy, "echo", method="POST", data=token, headers={"Content-Type": "application/json"})
    assert answer.text == token
    assert answer.cookies["seen"] == "yes"


def assert_same_answer(app, caddy, path, *, method="GET", **options):
    """The answer through Caddy, which must be that of the app."""
    direct, stashed = (requests.request(method, base + path, allow_redirects=False, timeout=30, **options)
                       for base in (app.origin + "/", caddy.url))
    assert stashed.status_code == direct.status_code
    assert settled(stashed.content) == settled(direct.content)
    assert steady(stashed.headers) == steady(direct.headers)
    return stashed


def settled(body):
    """The body without the signed number that Dash gives each page load."""
    return END_ID.sub(b"", body)


def steady(headers):
    """The headers without those that a proxy adds or the clock changes."""
    hop = {"server", "via", "date", "connection", "transfer-encoding", "keep-alive"}
    return {name.lower(): value for name, value in headers.items() if name.lower() not in hop}
