"""A random walk through an app: clicks on whatever can be clicked, reloads, back and forward."""

from __future__ import annotations

import random
from typing import Any

from .app import App
from .compare import as_received, ran
from .tab import Tab

# What can be clicked, in the order of the page.
CLICKABLE = "() => [...document.querySelectorAll('button, a.link')].map(element => element.id)"
CLICK = "id => document.getElementById(id).click()"


class Walk:
    """The same steps in any number of tabs. next() draws a step from what a tab shows, take() takes it in one tab."""

    def __init__(self, seed: str):
        self._rng = random.Random(f"walk {seed}")
        self._back = self._forward = 0  # pages of the tab's history on either side
        self._last = ""

    def next(self, tab: Tab) -> tuple[str, str]:
        """The next step: what to do, and to what."""
        kinds = ["click"] * 16 + ["reload"] + ["back"] * (2 * (self._back > 0)) + ["forward"] * (2 * (self._forward > 0))
        kind = self._rng.choice(kinds)
        if kind == "back":
            self._back, self._forward = self._back - 1, self._forward + 1
        if kind == "forward":
            self._back, self._forward = self._back + 1, self._forward - 1
        if kind != "click":
            return kind, ""
        targets = tab.page.evaluate(CLICKABLE)
        again = self._last in targets and self._rng.random() < 0.3
        self._last = target = self._last if again else self._rng.choice(targets)
        if target.startswith("link"):
            self._back, self._forward = self._back + 1, 0
        return kind, target


def take(tab: Tab, kind: str, target: str) -> None:
    """Takes the step and waits until all callbacks that it set off have ended."""
    match kind:
        case "click":
            tab.page.evaluate(CLICK, target)
        case "reload":
            tab.page.reload()
        case "back":
            tab.page.go_back()
        case "forward":
            tab.page.go_forward()
    tab.settle()


def watch(app: App, tab: Tab, act: Any, *args: Any) -> tuple[list[str], list[tuple], list[str]]:
    """Has the tab act; returns the lines of its page then, the callbacks that ran, and the requests that reached the app,
    which is to be used by no other tab meanwhile."""
    app.forget()
    tab.forget()
    act(*args)
    lines = tab.page.inner_text("body").splitlines()
    return lines, ran(tab.callbacks), sorted(as_received(entry) for entry in app.received())
