"""Debian's Chromium under Playwright."""

from __future__ import annotations

import shutil

from playwright.sync_api import Browser, BrowserContext, Playwright

from .tab import Tab

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str | None:
    """The path of the installed Chromium, if there is one: the headless shell, which draws no windows, or else the whole."""
    return shutil.which("chromium-headless-shell") or shutil.which("chromium")


def launch(playwright: Playwright) -> Browser:
    path = chromium()
    if path is None:
        raise FileNotFoundError("Chromium is not installed: tests/setup.sh installs it where it may")
    return playwright.chromium.launch(executable_path=path, headless=True, args=FLAGS)


def open_tab(browser: Browser, context: BrowserContext | None = None, *, bodies: bool = True, **options) -> Tab:
    """A tab for a new user, or beside others in the context of one. `bodies` is Tab's, `options` are new_context's."""
    context = context or browser.new_context(viewport={"width": 1280, "height": 900}, **options)
    return Tab(context.new_page(), bodies)
