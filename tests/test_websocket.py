"""Callbacks by WebSocket (Dash 4.2 and later, on FastAPI and Quart)."""

import json
import re

import pytest

from harness.app import SOCKET
from harness.process import wait_until
from harness.wire import is_token

DATA = "id => dash_component_api.getLayout(id).props.data"
STEPS = ["ask", "both", "http", "socket", "both", "stream", "ask", "page", "http", "socket", "both"]


@pytest.fixture
def asgi_app(dash_app):
    """asgi_app(backend of Dash, callbacks that go by WebSocket: "all" or "each" that says so) -> App"""

    def start(backend, websockets):
        return dash_app("websocket_stores.py", env={"DASH_BACKEND": backend, "WEBSOCKETS": websockets},
                        bodies=True, server="uvicorn")

    return start


def walk(app, url, tab):
    """Takes the steps; returns the page's text after each and what the app has received by WebSocket."""
    app.forget()
    tab.open(url)
    shown = []
    for step in STEPS:
        tab.click(f"#{step}")
        shown.append(tab.page.inner_text("body"))
    received = [entry.json() for entry in app.received(SOCKET)]
    return shown, [json.dumps([message["type"], message["payload"]]) for message in received]


@pytest.mark.parametrize("websockets", ["all", "each"])
@pytest.mark.parametrize("backend", ["fastapi", "quart"])
def test_stores_by_websocket(asgi_app, proxy, new_tab, backend, websockets):
    app = asgi_app(backend, websockets)
    caddy = proxy(app)
    tab = new_tab()
    direct, received = walk(app, app.url, new_tab())
    stashed, received_stashed = walk(app, caddy.url, tab)
    assert stashed == direct
    assert sorted(received_stashed) == sorted(received)
    for length in [2000, 6000, 2500, 700]:
        assert f"{length} rows" in direct[-1]
    assert (len(tab.callbacks) == 0) == (websockets == "all")
    for store in ["by-http", "by-socket", "streamed", "on-page"]:
        assert is_token(tab.page.evaluate(DATA, store)), store


@pytest.mark.parametrize("again", ["reload", "restart"])
def test_a_page_outlives_the_proxy(asgi_app, proxy, tab, again):
    app = asgi_app("fastapi", "all")
    caddy = proxy(app)
    tab.open(caddy.url)
    tab.click("#http")
    getattr(caddy, again)()
    wait_until(lambda: disconnected(tab), "the browser to notice")
    tab.click("#both")
    tab.expect_text("#both-text", re.compile("^1000 rows.*; nothing$"))


@pytest.mark.parametrize("on_missing", ["null", "error"])
def test_data_that_is_gone(asgi_app, proxy, tab, on_missing):
    app = asgi_app("quart", "each")
    caddy = proxy(app, f"storage memory\non_missing {on_missing}")
    caddy.allow("gone from the storage")
    tab.open(caddy.url)
    tab.click("#http")
    caddy.restart()
    wait_until(lambda: disconnected(tab), "the browser to notice")
    app.forget()
    if on_missing == "error":
        tab.allow("gone from the storage")
    tab.click("#both")
    if on_missing == "null":
        tab.expect_text("#both-text", "nothing; nothing")
    else:
        assert tab.text("#both-text") == "" and app.received(SOCKET) == []
        assert any("data of a Store is gone from the storage" in line for line in tab.console)


def disconnected(tab) -> bool:
    tab.page.wait_for_timeout(10)  # lets the browser's events in
    return any("WebSocket disconnected" in line for line in tab.console)
