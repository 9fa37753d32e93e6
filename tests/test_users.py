"""Several users of one app: who they are reaches Caddy and the app as ever, and nobody opens another's data."""

import pytest
import requests

from harness.caddy import stash
from harness.wire import Client, compact, is_token

STORES = ["first.data", "second.data", "third.data"]
USERS = {"ann": ("ann", "word of ann"), "bob": ("bob", "word of bob")}
BASIC_AUTH = """
basic_auth bcrypt {
	ann $2a$04$gKGagkP9Er5GXeVxjOv/WeqweA.fg8dUXMB7x/VKMICRtgrld41AG
	bob $2a$04$ksOG9EOlGy7DRafmf/aOs.aTqbWmVYmyKgIXIrXr7GvuT4uq2GM5m
}
"""
# Who asks for a name and a password, and the scope that goes with it.
LOGINS = {"caddy": "scope {http.auth.user.id}", "app": "scope {http.request.header.Authorization}"}


@pytest.fixture(params=LOGINS)
def guarded(request, dash_app, proxy):
    """guarded(options) -> the app and two Caddys before it, without and with Dashstash; the app or the Caddys want a login."""
    app = dash_app("users.py", env={"LOGIN": str(int(request.param == "app"))}, bodies=True)
    login = BASIC_AUTH if request.param == "caddy" else ""

    def start(options):
        scoped = f"min_size 0\n{LOGINS[request.param]}\n{options}"
        return app, proxy(app, directives=login), proxy(app, directives=login + stash(scoped))

    return start


def test_A18_login(guarded, new_tab):
    """Without the right password there is the same 401 and the same challenge as without Dashstash; with it, the app shows
    and receives the same. A Caddy that has forgotten all asks the app as the user who is there, so that it is let in."""
    app, *caddys = guarded("storage memory\non_missing null")
    for user in (None, ("ann", "wrong"), USERS["ann"]):
        for method, path in (("GET", ""), ("GET", "_dash-layout"), ("GET", "_dash-dependencies"), ("GET", "_favicon.ico"),
                             ("POST", "_dash-update-component")):
            body = {"output": "none.such", "inputs": []} if method == "POST" else None
            plain, stashed = (requests.request(method, caddy.url + path, auth=user, json=body, timeout=30) for caddy in caddys)
            assert stashed.status_code == plain.status_code
            assert (plain.status_code == 401) == (user != USERS["ann"])
            if plain.status_code == 401:
                assert stashed.content == plain.content
                assert stashed.headers["WWW-Authenticate"] == plain.headers["WWW-Authenticate"]
                assert stashed.headers["WWW-Authenticate"].startswith("Basic realm=")

    visits = []
    for caddy in caddys:
        app.forget()
        tab = new_tab(http_credentials=dict(zip(("username", "password"), USERS["ann"], strict=True)))
        tab.allow("status of 401")
        tab.open(caddy.url)
        for _ in range(2):
            tab.click("#fill")
        visits.append((tab.text("#report"), [entry.json() for entry in app.received()]))
    assert visits[0] == visits[1] and "'ratio': 499.75" in visits[1][0]
    assert is_token(tab.callbacks[-1].value("first.data"))

    caddy.restart()
    tab.forget()
    tab.click("#fill")
    assert is_token(tab.callbacks[0].output("first.data"))


def test_A18_replayed_token(guarded):
    """A token of one user gets a miss when another sends it, and is of no use without a password."""
    app, _, caddy = guarded("on_missing null")
    ann, bob, nobody = (client(caddy, user) for user in (USERS["ann"], USERS["bob"], None))
    ann.open()
    tokens, others = fill(ann), fill(bob)
    assert not {compact(token) for token in tokens.values()} & {compact(token) for token in others.values()}
    own = report(ann, tokens)
    assert own.status_code == 200 and "'ratio': 249.75" in own.text
    assert report(bob, others).text == own.text
    app.forget()
    assert report(bob, tokens).json()["response"]["report"]["children"] == "None, None, None, no more"
    [received] = app.received()
    assert [entry["value"] for entry in received.json()["inputs"] + received.json()["state"]] == [
        1, None, None, None, ["no more"]]
    refused = report(nobody, tokens)
    assert refused.status_code == 401 and "ratio" not in refused.text


def test_A19_one_directive_for_all_stores(dash_app, proxy, new_tab):
    """The scope is a cookie: equal data has tokens of its own in each session, for each Store; both tabs of a user share
    theirs, and every page works."""
    app = dash_app("users.py", bodies=True)
    caddy = proxy(app, "scope {http.request.cookie.visitor}")
    first, second = new_tab(), new_tab()
    tabs = [first, second, new_tab(beside=first), new_tab(beside=second)]
    tokens = []
    for tab in tabs:
        tab.open(caddy.url)
        tab.click("#fill")
        answer = next(e for e in tab.callbacks if "first.data" in e.request["output"])
        tokens.append([compact(answer.output(name)) for name in STORES])
    assert len({cookie["value"] for tab in tabs for cookie in tab.page.context.cookies()}) == 2
    assert all(is_token(answer.output(name)) for name in STORES)
    assert tokens[0] == tokens[2] and tokens[1] == tokens[3]
    assert len({*tokens[0], *tokens[1]}) == 6
    for tab in tabs:
        tab.click("#read")
    assert len({tab.text("#report") for tab in tabs}) == 1 and "'ratio': 249.75" in tabs[0].text("#report")


def client(caddy, user):
    made = Client(caddy.url)
    made.session.auth = user
    return made


def fill(user):
    """The tokens that a user gets for the data of placed.py."""
    stores = user.outputs(STORES, {"fill.n_clicks": 1})
    assert all(is_token(value) for value in stores.values())
    return stores


def report(user, stores):
    return user.call(["report.children"], {"read.n_clicks": 1, "first.data": stores["first.data"]}, {
        **{name: stores[name] for name in STORES[1:]}, "given.data": ["no more"]})
