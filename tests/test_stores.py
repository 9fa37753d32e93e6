"""Which Stores are offloaded: by storage type, by name, and never those that the browser itself reads."""

import pytest

from harness.wire import is_token

FRAMES = ['{"index":0,"type":"frame"}', '{"index":1,"type":"frame"}']
CACHE = '{"index":0,"type":"cache"}'
STORES = ["of-memory", "of-session", "of-local", "for-browser", *FRAMES, CACHE]


def offloaded(tab):
    """Fills all Stores of storage_types.py, and returns those that got a token."""
    tab.forget()
    tab.click("#fill")
    tab.expect_text("#browser-report", "1000 in the browser")
    tab.click("#read")
    fill, read = tab.callbacks[0], tab.callbacks[-1]
    assert tab.text("#report") == "499500 499500 499500 499500 500500 501500"
    tokens = {store for store in STORES if is_token(fill.output(f"{store}.data"))}
    assert {name for name in STORES[:3] if is_token(read.value(f"{name}.data"))} == tokens & set(STORES[:3])
    return tokens


def test_auto(dash_app, proxy, new_tab):
    """By default memory Stores are offloaded. Session and local ones stay, which one line in the log tells; a Store that
    a clientside callback reads stays, with one warning, however many pages are opened."""
    caddy = proxy(dash_app("storage_types.py"))
    for _ in range(2):
        tab = new_tab()
        tab.open(caddy.url)
        assert offloaded(tab) == {"of-memory", *FRAMES, CACHE}
    assert [entry["level"] for entry in caddy.logs(message="stores auto memory session local")] == ["info"]
    assert [(entry["level"], entry["store"]) for entry in caddy.logs(message="clientside callback uses")] == [
        ("warn", "for-browser")]


def test_auto_with_session_and_local(dash_app, proxy, tab):
    """On request, session and local Stores are offloaded, and are there again after a page reload."""
    caddy = proxy(dash_app("storage_types.py"), "stores auto memory session local")
    tab.open(caddy.url)
    assert offloaded(tab) == {*STORES} - {"for-browser"}
    storage = "JSON.stringify([{...sessionStorage}, {...localStorage}]).length"
    assert tab.page.evaluate(storage) < 1000
    tab.reload()
    tab.click("#read")
    assert tab.text("#report") == "none 499500 499500 none none none"
    assert not caddy.logs(message="stay in the browser; to offload")


@pytest.mark.parametrize("options, expected", [
    ("stores of-local of-memory", {"of-local", "of-memory"}),
    ("stores of-*", {"of-memory", "of-session", "of-local"}),
    ('stores `{"type":"frame","index":*}`', {*FRAMES}),
    ('stores `{"type":"frame","index":1}` `{"index":0,"type":*}`', {*FRAMES, CACHE}),
    ("stores for-browser *-session", {"of-session"}),
    ('stores *\nexclude of-*al `{"type":"cache","index":*}`', {"of-memory", "of-session", *FRAMES}),
    ("stores auto session\nexclude of-session", set()),
])
def test_named_stores(dash_app, proxy, tab, options, expected):
    """Ids, globs and dict ids with * name Stores of whatever type; what exclude names stays in the browser."""
    tab.open(proxy(dash_app("storage_types.py"), options).url)
    assert offloaded(tab) == expected


def test_small_and_large_data_stay(dash_app, proxy, tab):
    """Data under min_size or over max_payload stays inline; the latter is told once."""
    caddy = proxy(dash_app("any_size.py"), "min_size 2KB\nmax_payload 20KB")
    tab.open(caddy.url)
    for size, expected in ((1000, False), (5000, True), (30_000, False), (40_000, False)):
        tab.write("#size", str(size))
        tab.forget()
        tab.click("#fill")
        assert is_token(tab.callbacks[0].output("one.data")) == expected
        assert tab.text("#report").count(f"{size} bytes") == 3
    assert sorted(entry["store"] for entry in caddy.logs("warn", "larger than max_payload")) == ["one", "other", "two"]
