"""The same steps in the same app, directly and through Dashstash: the page, the app and the wire must not differ."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .app import App
from .caddy import Caddy
from .tab import Tab


@dataclass
class Visit:
    """A tab after the steps: what they returned, the callbacks that ran, and the requests that reached the app."""

    tab: Tab
    shown: Any
    callbacks: list[tuple]
    received: list[str]


def visit(app: App, url: str, tab: Tab, steps: Callable[[Tab], Any]) -> Visit:
    app.forget()
    tab.open(url)
    shown = steps(tab)
    tab.settle()
    callbacks = sorted((e.request["output"], e.request["changedPropIds"], e.status) for e in tab.callbacks)
    # json.dumps keeps the order of keys and tells 1.0 from 1: what Python code of an app could see.
    received = sorted(json.dumps(entry.json()) for entry in app.received())
    return Visit(tab, shown, callbacks, received)


def same_both_ways(app: App, caddy: Caddy, new_tab: Callable[[], Tab], steps: Callable[[Tab], Any],
                   page: str = "") -> tuple[Visit, Visit]:
    """Opens the page in a tab of its own each way, takes the steps, and asserts that they show the same, run the same
    callbacks, and that the app, which must have been started with bodies=True, received the same. Returns (direct,
    stashed).

    Callbacks that run side by side have no order of their own, and none is compared.
    """
    direct = visit(app, f"{app.origin}/{page}", new_tab(), steps)
    stashed = visit(app, caddy.url + page, new_tab(), steps)
    assert stashed.shown == direct.shown, f"{stashed.shown!r} instead of {direct.shown!r}"
    assert stashed.callbacks == direct.callbacks
    assert stashed.received == direct.received
    return direct, stashed
