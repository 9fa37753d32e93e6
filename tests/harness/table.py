"""The table of features and versions of Dash: a row is an app in tests/apps/table, and steps that a user takes in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from .tab import Tab
from .versions import VERSIONS, number

Steps = Callable[[Tab], Iterator[Any]]
ROWS: list[Row] = []


@dataclass(frozen=True)
class Row:
    """A feature of Dash. `app` is the name of its app and of its steps; it runs in Dash `since` and later.

    `options` are Dashstash's. `tokens` tells whether any Store of it can be offloaded, `counts` whether its callbacks run as
    often each time.
    """

    feature: str
    app: str
    since: str
    steps: Steps
    options: str = "min_size 0"
    tokens: bool = True
    counts: bool = True

    def has(self, version: str) -> bool:
        return number(version) >= number(self.since)

    def counts_in(self, version: str) -> bool:
        """Before Dash 1.11 a callback of several inputs ran once or several times when they changed (its #1103)."""
        return self.counts and number(version) >= (1, 11)

    def walk(self, tab: Tab) -> list[tuple]:
        """Takes the steps. Each `yield` of theirs waits for the callbacks and notes what the page shows and a value that
        is yielded."""
        noted = [(tab.page.inner_text("body"), None)]
        for value in self.steps(tab):
            tab.settle()
            noted.append((tab.page.inner_text("body"), value))
        return noted


def row(feature: str, since: str = "1.9", **options: Any) -> Callable[[Steps], Steps]:
    """Makes a row of a function of steps, which has the name of its app."""

    def add(steps: Steps) -> Steps:
        ROWS.append(Row(feature, steps.__name__, since, steps, **options))
        return steps

    return add


def clicks(tab: Tab, *names: str) -> Iterator[None]:
    """Clicks the elements of these ids, one after the other, and waits after each."""
    for name in names:
        tab.page.click(f"#{name}")
        yield


def cells() -> list[tuple[Row, str]]:
    """Each row with each version that has its feature."""
    return [(row, version) for row in ROWS for version in VERSIONS if row.has(version)]


def markdown() -> str:
    """The table as the README shows it."""
    lines = [["feature", "app", *VERSIONS], ["---", "---", *[":-:"] * len(VERSIONS)]]
    for row in ROWS:
        lines.append([row.feature, f"`{row.app}`", *["✓" if row.has(version) else f"– ({row.since})" for version in VERSIONS]])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
