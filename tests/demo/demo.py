"""The demo behind `make demo`: flights.py behind Dashstash, and what that saves.

Serves on http://127.0.0.1:$PORT (8080, or a free port if that is taken) until Ctrl-C. With ONCE=1 it ends after the
table; its status is 1 if there was no table, or if the two ways did not show the same page.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from harness import browser as chromium  # noqa: E402
from harness.app import App  # noqa: E402
from harness.caddy import Caddy, site, stash  # noqa: E402
from harness.process import free_port, listens  # noqa: E402
from harness.tab import Tab  # noqa: E402

FLIGHTS = Path(__file__).with_name("flights.py")
MEGABITS, LATENCY_MS = 20, 20
PATIENCE = 120  # seconds for the page to settle


@dataclass
class Visit:
    """What one visit cost, and what it showed: the page's content after loading, and after a new selection."""

    down: int
    up: int
    load_seconds: float
    change_seconds: float
    shown: list


def say(line: str = "") -> None:
    print(line, flush=True)


def choose_port() -> int:
    if "PORT" in os.environ:
        return int(os.environ["PORT"])
    return free_port() if listens(8080) else 8080


def content(tab: Tab) -> list:
    return [tab.text("#summary"), tab.text("#destinations"), tab.figure("by-day")["data"]]


def visit(browser: Browser, url: str) -> Visit:
    """Opens the page over the slow link, takes away one airport, and waits each time until all callbacks have ended."""
    tab = chromium.open_tab(browser, bodies=False)
    tab.slow_link(MEGABITS, LATENCY_MS)
    count = tab.page.locator("#summary strong").first

    start = time.monotonic()
    tab.open(url, timeout=PATIENCE)
    load_seconds = time.monotonic() - start
    before = count.inner_text()
    shown = [content(tab)]

    start = time.monotonic()
    tab.page.locator("#origins input").first.click()
    expect(count).not_to_have_text(before, timeout=PATIENCE * 1000)
    tab.settle(timeout=PATIENCE)
    change_seconds = time.monotonic() - start
    shown.append(content(tab))

    down = sum(callback.bytes_down for callback in tab.callbacks)
    up = sum(callback.bytes_up for callback in tab.callbacks)
    tab.stop()
    if tab.complaints():
        raise RuntimeError("\n".join(tab.complaints()))
    return Visit(down, up, load_seconds, change_seconds, shown)


def measure(direct: str, stashed: str) -> bool:
    """Drives the page both ways, prints the table, and says whether both ways showed the same."""
    say(f"· driving the page in headless Chromium, directly and through Dashstash, at {MEGABITS} Mbit/s and "
        f"{LATENCY_MS} ms (about a minute)")
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        warm_up = chromium.open_tab(browser, bodies=False)
        warm_up.open(direct)  # the app's first requests are slower than all others
        warm_up.stop()
        plain, ours = visit(browser, direct), visit(browser, stashed)
        browser.close()

    say()
    say(f"{'':24}{'plain Dash':>14}{'with Dashstash':>18}{'ratio':>10}")
    for label, with_plain, with_ours, form in (
        ("bytes down", plain.down, ours.down, ",.0f"),
        ("bytes up", plain.up, ours.up, ",.0f"),
        ("seconds, opening", plain.load_seconds, ours.load_seconds, ".2f"),
        ("seconds, new selection", plain.change_seconds, ours.change_seconds, ".2f"),
    ):
        say(f"{label:24}{with_plain:>14{form}}{with_ours:>18{form}}{with_plain / with_ours:>8,.1f} ×")
    say()
    say("Bytes are those of Dash's callbacks (_dash-update-component) over both steps; seconds run from the action to")
    say("the settled page, and opening includes Dash's own scripts, which are the same both ways.")
    same = plain.shown == ours.shown
    say("Figure, table and summary were equal both ways." if same
        else "Figure, table or summary DIFFERED between the two ways.")
    return same


def main() -> int:
    once = os.environ.get("ONCE") == "1"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with ExitStack() as at_end:
        folder = Path(at_end.enter_context(tempfile.TemporaryDirectory(prefix="dashstash-demo-")))
        say("· starting the app: tests/demo/flights.py, 336,776 flights, under waitress")
        app = App(FLIGHTS, folder)
        at_end.callback(app.stop)
        port = choose_port()
        caddy = Caddy(site(port, f"127.0.0.1:{app.port}", stash()), port, folder)
        at_end.callback(caddy.stop)
        say(f"· Dashstash serves it at {caddy.url}")

        good = False
        if chromium.chromium() is None:
            say("· no table: Chromium is missing, and could not be installed")
        else:
            good = measure(app.url, caddy.url)
        complaints = app.complaints() + caddy.complaints()
        for complaint in complaints:
            say(complaint)
        if once:
            return 0 if good and not complaints else 1
        say()
        say(f"Open {caddy.url} (the app directly: {app.url}). Ctrl-C ends it.")
        signal.pause()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        say()
