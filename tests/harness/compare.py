"""The same steps in the same app, directly and through Dashstash: the page, the app and the wire must not differ."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import zip_longest
from os.path import commonprefix
from typing import Any

import pytest
from playwright.sync_api import Error

from .app import App, Received
from .caddy import Caddy
from .exchange import Exchange
from .tab import Tab


@dataclass
class Visit:
    """A tab after the steps: what they returned, the callbacks that ran, and the requests that reached the app, as they
    came."""

    tab: Tab
    shown: Any
    callbacks: list[tuple]
    received: list[str]

    def without_counts(self) -> Visit:
        """With each callback once, and the last request of each, without what had changed."""
        last = {}
        for body in map(json.loads, self.received):
            last[body["output"]] = {**body, "changedPropIds": [], "parsedChangedPropsIds": []}
        return Visit(self.tab, self.shown, sorted({(output, status) for output, _, status in self.callbacks}),
                     [json.dumps(body) for body in last.values()])


def visit(app: App, url: str, tab: Tab, steps: Callable[[Tab], Any]) -> Visit:
    app.forget()
    tab.open(url)
    shown = steps(tab)
    tab.settle()
    received = [as_received(entry) for entry in app.received() if "cacheKey=" not in entry.query]
    return Visit(tab, shown, ran(tab.callbacks), received)


def ran(exchanges: Iterable[Exchange]) -> list[tuple]:
    """The callbacks as one visit has them in common with another: in no order, and without polls."""
    return sorted((e.request["output"], sorted(e.request["changedPropIds"]), e.status) for e in exchanges if not e.is_poll)


def as_received(entry: Received) -> str:
    """The request as the app's Python code sees it: json.dumps keeps the order of keys and tells 1.0 from 1. Times differ
    between visits, and so may the order of changes that came in one go."""
    body = timeless(entry.json())
    for key in ("changedPropIds", "parsedChangedPropsIds"):
        body.get(key, []).sort(key=json.dumps)
    return json.dumps(body)


def timeless(value: Any) -> Any:
    """The value without times, such as modified_timestamp: those in a component tree, and of an input or a state."""
    if isinstance(value, list):
        return [timeless(item) for item in value]
    if not isinstance(value, dict):
        return value
    if str(value.get("property", "")).endswith("_timestamp") and value.get("value") not in (None, -1):
        return {**value, "value": "a time"}
    return {key: timeless(item) for key, item in value.items() if not key.endswith("_timestamp")}


def same_both_ways(app: App, caddy: Caddy, new_tab: Callable[[], Tab], steps: Callable[[Tab], Any],
                   page: str = "", counts: bool = True) -> tuple[Visit, Visit]:
    """Opens the page in a tab of its own each way, takes the steps, and asserts that they show the same, run the same
    callbacks, and that the app, which must have been started with bodies=True, received the same. Returns (direct,
    stashed).

    Callbacks that run side by side have no order of their own, and none is compared. Without `counts`, neither is how often
    each ran with the same values.

    Where the direct visit fails, it is made again, with a warning: Dash and Chromium have failed then, without Dashstash, and
    nothing has been compared.
    """
    tab, folder = new_tab(), app.process.log_file.parent
    try:
        direct = visit(app, f"{app.origin}/{page}", tab, steps)
    except (Error, AssertionError, TimeoutError) as failure:
        warnings.warn(f"directly, at first: {failure}\n{tab.evidence(folder)}\n{app.evidence(folder)}", stacklevel=2)
        tab.allow("")  # anything
        tab.stop()
        direct = visit(app, f"{app.origin}/{page}", new_tab(), steps)
    stashed = visit(app, caddy.url + page, new_tab(), steps)
    if not counts:
        direct, stashed = direct.without_counts(), stashed.without_counts()
    for what in ("shown", "callbacks", "received"):
        ours, plain = getattr(stashed, what), getattr(direct, what)
        if what == "received":
            ours, plain = sorted(ours), sorted(plain)
        if ours != plain:
            pytest.fail(f"{what} through Dashstash (+) and directly (-):\n{difference(plain, ours)}", pytrace=False)
    return direct, stashed


def difference(plain: Any, ours: Any) -> str:
    """The first lines in which two values of lists, tuples and texts differ, from a little before the place."""
    plain_lines, our_lines = lines(plain), lines(ours)
    for n, (one, other) in enumerate(zip_longest(plain_lines, our_lines, fillvalue="")):
        if one != other:
            before = "\n".join(f"  {line[:200]}" for line in plain_lines[max(0, n - 3):n])
            start = max(0, len(commonprefix([one, other])) - 150)
            return f"{before}\n- …{one[start:start + 500]}\n+ …{other[start:start + 500]}"
    return f"- {plain!r}\n+ {ours!r}"


def lines(value: Any) -> list[str]:
    if isinstance(value, list | tuple):
        return [line for item in value for line in lines(item)]
    return value.splitlines() if isinstance(value, str) else [repr(value)]
