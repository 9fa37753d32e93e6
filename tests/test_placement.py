"""Where Dash apps stand: behind prefixes, beside each other, under any server, with any handler of Caddy's in front."""

import gzip
import json

import pytest
import requests

from harness.caddy import indent, stash
from harness.compare import same_both_ways, visit
from harness.process import free_port
from harness.wire import Client, is_token, payload

STORES = ["first.data", "second.data", "third.data"]
IN_BROWSER = {"one": "first", "two": "second"}  # the Store that each of two apps reads in the browser

# Environments of the app, and sites for it, with STASH in the place of dash_stash and APP in that of the app.
PLACES = {
    "a deep prefix": ({"PREFIX": "/a/deep/prefix/"}, ["STASH\nreverse_proxy APP"]),
    "a prefix that is stripped": ({"PREFIX": "/app/", "ROUTES": "/"}, [
        "handle_path /app/* {\nSTASH\nreverse_proxy APP\n}",
        "STASH\nhandle_path /app/* {\nreverse_proxy APP\n}",
        "uri strip_prefix /app\nSTASH\nreverse_proxy APP"]),
    "a prefix that is added": ({"ROUTES": "/inner/"}, ["rewrite * /inner{uri}\nSTASH\nreverse_proxy APP"]),
    "an app that compresses": ({"COMPRESS": "1"}, ["STASH\nreverse_proxy APP"]),
}


def site(address, handlers, app_port=0, options="min_size 0"):
    """A site with handlers as in PLACES; options None: without dash_stash."""
    directive = "" if options is None else stash(options)
    return f"{address} {{\n{indent(handlers.replace('STASH', directive).replace('APP', f'127.0.0.1:{app_port}'))}\n}}\n"


def walk(tab):
    """The steps that a user takes in placed.py."""
    shown = [tab.text("#report")]
    for button in ("#read", "#fill", "#read", "#fill"):
        tab.click(button)
        shown.append((tab.text("#report"), tab.text("#in-browser")))
    return shown


def answers(tab, output):
    """The answers of the callbacks that set an output, newest first."""
    return [e for e in reversed(tab.callbacks) if output in e.request["output"]]


def check_offloaded(tab, *names):
    """The page has tokens for these Stores, and sends them."""
    assert all(is_token(answers(tab, "first.data")[0].output(name)) for name in names)
    assert all(is_token(answers(tab, "report")[0].value(name)) for name in names)


def check_same(plain, stashed):
    assert stashed.shown == plain.shown, f"{stashed.shown!r} instead of {plain.shown!r}"
    assert stashed.callbacks == plain.callbacks
    assert stashed.received == plain.received
    assert "'ratio': 499.75" in plain.shown[-1][0]
    check_offloaded(stashed.tab, *STORES)


@pytest.mark.parametrize("place", PLACES)
def test_place(dash_app, caddy, new_tab, place):
    """In each place the app shows, calls and receives the same as through a plain Caddy."""
    env, bodies = PLACES[place]
    app = dash_app("placed.py", env=env, prefix=env.get("ROUTES", env.get("PREFIX", "/")), bodies=True)
    ports = [free_port() for _ in range(1 + len(bodies))]
    address = "http://127.0.0.1:{}".format
    sites = [site(address(ports[0]), bodies[0], app.port, None)]
    sites += [site(address(port), body, app.port) for port, body in zip(ports[1:], bodies, strict=True)]
    caddy("".join(sites), ports[0])
    plain, *stashed = [visit(app, address(port) + env.get("PREFIX", "/"), new_tab(), walk) for port in ports]
    for each in stashed:
        check_same(plain, each)
    assert ("content-encoding" in answers(plain.tab, "first.data")[0].headers) == ("COMPRESS" in env)


def test_https_and_http_2(dash_app, caddy, new_tab):
    """With TLS the browser speaks HTTP/2 with Caddy, which compresses, and the app shows, calls and receives the same."""
    app = dash_app("placed.py", bodies=True)
    ports = plain, stashed = free_port(), free_port()
    body = "tls internal\nencode gzip zstd\nSTASH\nreverse_proxy APP"
    caddy(site(f"https://localhost:{plain}", body, app.port, None) + site(f"https://localhost:{stashed}", body, app.port),
          stashed, global_options="skip_install_trust\nauto_https disable_redirects")
    visits = [visit(app, f"https://localhost:{port}/", new_tab(ignore_https_errors=True), walk) for port in ports]
    check_same(*visits)
    for each in visits:
        protocols = each.tab.page.evaluate("performance.getEntriesByType('resource').map(entry => entry.nextHopProtocol)")
        assert set(protocols) == {"h2"}
        [layout] = [e for e in each.tab.exchanges if e.path == "/_dash-layout"]
        assert layout.headers["content-encoding"] == "gzip"


@pytest.mark.parametrize("server, backend", [("gunicorn", "flask"), ("uvicorn", "fastapi"), ("uvicorn", "quart")])
def test_server(dash_app, proxy, new_tab, server, backend):
    """Under each server, with each of Dash's back ends, the app shows, calls and receives the same as directly; a request
    without a length reaches it with one, its data put back, also if it was in gzip."""
    app = dash_app("placed.py", server=server, env={"BACKEND": backend}, bodies=True)
    caddy = proxy(app, "min_size 0")
    check_same(*same_both_ways(app, caddy, new_tab, walk))

    client = Client(caddy.url)
    stores = client.outputs(STORES, {"fill.n_clicks": 1})
    assert all(is_token(value) for value in stores.values())
    app.forget()
    values = {"read.n_clicks": 1, "first.data": stores["first.data"]}, {
        **{name: stores[name] for name in STORES[1:]}, "given.data": ["nothing"]}
    whole = client.call(["report.children"], *values).json()
    body = payload(["report.children"], *values).encode()
    for encoded, headers in ((body, {}), (gzip.compress(body), {"Content-Encoding": "gzip"})):
        response = requests.post(client.url + "_dash-update-component", data=iter([encoded[:100], encoded[100:]]),
                                 headers={"Content-Type": "application/json", **headers}, timeout=30)
        assert response.json() == whole
    assert len(app.received()) == 3 and len({entry.body for entry in app.received()}) == 1


def test_two_apps_under_two_prefixes(dash_app, caddy, new_tab):
    """What is known of one app is not taken for another's, whether a dash_stash stands before each or one before both."""
    apps = {name: dash_app("placed.py", env={"NAME": name, "PREFIX": f"/{name}/", "ROUTES": "/", "IN_BROWSER": store})
            for name, store in IN_BROWSER.items()}
    for handlers, inner in (("", "STASH\n"), ("STASH\n", "")):
        for name, app in apps.items():
            handlers += f"handle_path /{name}/* {{\n{inner}reverse_proxy 127.0.0.1:{app.port}\n}}\n"
        port = free_port()
        caddy(site(f"http://127.0.0.1:{port}", handlers), port)
        check_apart({name: f"http://127.0.0.1:{port}/{name}/" for name in apps}, new_tab)


def test_two_apps_under_two_hosts(dash_app, caddy, new_tab):
    """What is known of one app is not taken for another's, of which only the host is another."""
    port, sites = free_port(), ""
    for name, store in IN_BROWSER.items():
        app = dash_app("placed.py", env={"NAME": name, "IN_BROWSER": store})
        sites += site(f"http://{name}.localhost:{port}", "STASH\nreverse_proxy APP", app.port)
    caddy(sites, port)
    check_apart({name: f"http://{name}.localhost:{port}/" for name in IN_BROWSER}, new_tab)


def check_apart(urls, new_tab):
    """Each page reads one of its Stores itself, which stays there, and has tokens for the others, also for the one that the
    other page reads."""
    tabs = {name: new_tab() for name in urls}
    for name, tab in tabs.items():
        tab.open(urls[name])
    for _ in range(2):
        for tab in tabs.values():
            tab.click("#fill")
    for name, tab in tabs.items():
        kept = IN_BROWSER[name]
        rows = answers(tab, "first.data")[0].output(f"{kept}.data")
        assert rows[-1] == {"n": 1999, "of": name, "ratio": 499.75}
        assert tab.text("#in-browser") == f"{len(rows)} rows of {name}"
        check_offloaded(tab, *[store for store in STORES if store != f"{kept}.data"])
        assert tab.text("#report").count(f"'of': '{name}'") == 2 and tab.text("#report").endswith(f"{name} 499")


def test_the_app_is_asked_in_its_place(dash_app, caddy, new_tab):
    """A Caddy that has forgotten all, while the page stays open, asks the app by the way on which the page calls it."""
    env, bodies = PLACES["a prefix that is stripped"]
    app = dash_app("placed.py", env={**env, "IN_BROWSER": "first"})
    sites = {free_port(): body for body in bodies}
    running = caddy("".join(site(f"http://127.0.0.1:{port}", body, app.port, "min_size 0\non_missing null\nstorage memory")
                            for port, body in sites.items()), next(iter(sites)))
    tabs = [new_tab() for _ in sites]
    for tab, port in zip(tabs, sites, strict=True):
        tab.open(f"http://127.0.0.1:{port}/app/")
    running.restart()
    for tab in tabs:
        tab.click("#fill")
        check_offloaded(tab, "second.data", "third.data")
        assert tab.text("#in-browser") == "1000 rows of app"


GZIP_REQUESTS = """
const plain = window.fetch;
window.fetch = async (url, options) => {
    if (typeof options?.body === 'string') {
        const packed = new Blob([options.body]).stream().pipeThrough(new CompressionStream('gzip'));
        const headers = {...options.headers, 'Content-Encoding': 'gzip'};
        options = {...options, body: await new Response(packed).arrayBuffer(), headers};
    }
    return plain(url, options);
};
"""


def test_a_page_that_compresses_its_requests(dash_app, proxy, new_tab):
    """What a page sends in gzip, as a Dash to come will, the app receives as from any other page."""
    app = dash_app("placed.py", bodies=True)
    expected = visit(app, app.url, new_tab(), walk)
    tab = new_tab()
    tab.page.add_init_script(GZIP_REQUESTS)
    app.forget()
    tab.open(proxy(app, "min_size 0").url)
    shown = walk(tab)
    assert shown == expected.shown
    assert sorted(json.dumps(entry.json()) for entry in app.received()) == sorted(expected.received)
    assert {e.request_headers["content-encoding"] for e in tab.callbacks} == {"gzip"}
    assert is_token(tab.callbacks[-2].output("first.data"))
