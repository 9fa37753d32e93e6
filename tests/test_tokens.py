"""What stands in the browser for a Store's data: small, equal for equal data, and of use only in its own scope."""

import json

import pytest

from harness.caddy import payloads
from harness.compare import same_both_ways
from harness.wire import Client, compact, is_token

FILL = ["one.data", "two.data", "other.data"]


def fill(client, size, word):
    """The tokens of any_size.py's three Stores, the first two of which hold equal data."""
    values = client.outputs(FILL, {"fill.n_clicks": 1}, {"size.value": size, "word.value": word})
    assert all(is_token(value) for value in values.values())
    return [values[output] for output in FILL]


def report(client, *values):
    """What any_size.py says of these values of its Stores."""
    return client.call(["report.children"], dict(zip(FILL, values, strict=True)))


def said(response):
    response.raise_for_status()
    return response.json()["response"]["report"]["children"]


@pytest.mark.parametrize("size", [10_000, 1_000_000, 20_000_000])
def test_at_most_200_bytes_in_each_direction(dash_app, proxy, tab, size):
    """However large the data, a Store costs at most 200 bytes on its way to the browser, and on its way back."""
    tab.open(proxy(dash_app("any_size.py")).url)
    tab.write("#size", str(size))
    tab.forget()
    tab.click("#fill")
    assert tab.text("#report").count(f"{size} bytes") == 3
    load, draw = (next(e for e in tab.callbacks if name in e.request["output"]) for name in ("one.data", "report"))
    for name in FILL:
        assert len(compact(load.output(name))) <= 200
        assert len(compact(draw.value(name))) <= 200
    assert len(load.response_body) <= 3 * 200 + 100
    assert draw.bytes_up <= 3 * 200 + 400


def test_equal_data_has_an_equal_token(dash_app, proxy, new_tab):
    """So a Store's modified_timestamp changes as often as its data does: not when equal data comes once more."""
    app = dash_app("any_size.py")
    changes = []
    for url in (app.url, proxy(app).url):
        tab = new_tab()
        tab.open(url)
        tokens = []
        for word in ("word", "word", "another", "word"):
            tab.write("#word", word)
            tab.forget()
            tab.click("#fill")
            tokens.append([tab.callbacks[0].output(name) for name in FILL])
        changes.append(tab.text("#changes"))
    assert all(is_token(token) for row in tokens for token in row)
    assert all(one != two != other for one, two, other in tokens)  # of another Store, another one
    assert tokens[0] == tokens[1] == tokens[3] != tokens[2]
    assert changes == ["4 changes", "4 changes"]


def test_a_scope_keeps_users_apart(dash_app, proxy, new_tab):
    """With a cookie as scope, equal data has another token for each user, and each user's page works."""
    caddy = proxy(dash_app("any_size.py"), "scope {http.request.cookie.user}")
    tokens, reports = [], []
    for user in ("ann", "bob"):
        tab = new_tab()
        tab.page.context.add_cookies([{"name": "user", "value": user, "url": caddy.url}])
        tab.open(caddy.url)
        tab.click("#fill")
        reports.append(tab.text("#report"))
        tokens.append([e for e in tab.callbacks if "one.data" in e.request["output"]][0].output("one.data"))
    assert reports[0] == reports[1] and reports[0].startswith("10000 bytes")
    assert is_token(tokens[0]) and tokens[0] != tokens[1]


@pytest.mark.parametrize("on_missing", ["null", "error"])
def test_a_token_of_another_scope_is_a_miss(dash_app, proxy, on_missing):
    """A user who replays another's token gets what a token gets whose data is gone, by the header that is the scope."""
    caddy = proxy(dash_app("any_size.py"), f"scope {{http.request.header.X-User}}\non_missing {on_missing}")
    ann, bob = (Client(caddy.url, {"X-User": name}) for name in ("ann", "bob"))
    ann.open()
    tokens = fill(ann, 5000, "secret")
    own = said(report(ann, *tokens))
    assert own.count("5000 bytes") == 3
    check_miss(report(bob, *tokens), on_missing)
    assert said(report(bob, *fill(bob, 5000, "secret"))) == own


@pytest.mark.parametrize("on_missing", ["null", "error"])
def test_data_that_is_gone(dash_app, proxy, on_missing):
    """A token whose data is gone from the storage, or that nobody made, never reaches the app."""
    caddy = proxy(dash_app("any_size.py"), f"on_missing {on_missing}")
    client = Client(caddy.url)
    client.open()
    tokens = fill(client, 5000, "word")
    forged = {"$dashstash": tokens[0]["$dashstash"][:-1] + ("A" if tokens[0]["$dashstash"][-1] != "A" else "B")}
    check_miss(report(client, forged, forged, {"$dashstash": "A" * 80}), on_missing)
    for payload in payloads(caddy.data):
        payload.unlink()
    check_miss(report(client, *tokens), on_missing)


def check_miss(response, on_missing):
    if on_missing == "null":
        assert said(response) == "empty, empty, empty"
    else:
        assert response.status_code == 410
        assert json.loads(response.content)["status"] == 410
        assert response.headers["Content-Type"] == "application/problem+json"


def test_an_app_with_such_keys_of_its_own(dash_app, proxy, new_tab):
    """An app, and a user who types JSON, may have data of their own under the keys that tokens and Patches have: it is what it is
    without Dashstash, small or large, and patched."""

    def steps(tab):
        for _ in range(2):
            tab.click("#fill")
            tab.click("#read")
            yield tab.text("#report")
        for _ in range(2):
            tab.click("#change")
            tab.click("#read")
            yield tab.text("#report")
        for text in ('{"$dashstash":"typed"}', '{"\\u0024dashstash":"typed","a":1}', '"$dashstash"', '{"$dashstash":'):
            tab.write("#typed", text)
            tab.click("#read")
            yield tab.text("#report")

    app = dash_app("own_keys.py", bodies=True)
    direct, _ = same_both_ways(app, proxy(app), new_tab, lambda tab: list(steps(tab)))
    assert "changed" in direct.shown[-1] and "typed" in direct.shown[4]
