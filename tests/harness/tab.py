"""One browser tab: what it sent and received, and what it complained about."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Error, Page, Request, expect

from .exchange import Exchange, Recorder

# Before Dash 2.16 the renderer's state has another name. What React has yet to do after an answer, it does within a frame. Dash
# 1.9 has only a queue of requests, in which clientside callbacks may stay for ever: there, what follows an answer has a moment.
LOADING = """async () => {
    const states = () => (window.dash_stores || [window.store]).filter(Boolean).map(store => store.getState());
    const loading = () => !states().length || states().some(state => 'isLoading' in state ? state.isLoading : state.appLifecycle !== 'HYDRATED');
    const frame = () => new Promise(requestAnimationFrame);
    if (loading()) return true;
    if (!states().every(state => 'isLoading' in state)) await new Promise(resolve => setTimeout(resolve, 250));
    await frame();
    await frame();
    return loading();
}"""
DRAWN = """async id => {
    const frame = () => new Promise(requestAnimationFrame);
    const plot = () => document.getElementById(id).querySelector('.js-plotly-plot');
    const deadline = performance.now() + 30000;
    await frame();
    await frame();  // React has handed the figure over by now
    while (!plot()?.data && performance.now() < deadline) await frame();
    return JSON.stringify({data: plot().data, layout: plot().layout});
}"""
RENDERED = "#react-entry-point > :not(._dash-loading)"


class Tab:
    """Playwright's page, plus records of it. `page` is Playwright's own; use it for clicks, locators, scripts.
    Without `bodies` the exchanges have none, which is right for measuring time.

    complaints() lists console errors and warnings, uncaught exceptions and failed requests that were not allowed().
    """

    name = "browser tab"

    def __init__(self, page: Page, bodies: bool = True):
        self.page = page
        self.console: list[str] = []
        self._problems: list[str] = []
        self._allowed: list[str] = []
        self._beside: list[Tab] = []
        self._recorder = Recorder(page, bodies)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self._problems.append(f"uncaught exception: {error}"))
        page.on("requestfailed", self._on_failed)

    # Acting

    def open(self, url: str, timeout: float = 30) -> None:
        """Goes to the address and waits until the app has rendered and all its callbacks have ended."""
        self.page.goto(url, timeout=timeout * 1000)
        self.settle(timeout)

    def reload(self) -> None:
        self.page.reload()
        self.settle()

    def click(self, selector: str) -> None:
        """Clicks and waits until all callbacks that it set off have ended."""
        self.page.click(selector)
        self.settle()

    def write(self, selector: str, text: str) -> None:
        """Puts the text into a field, leaves it, and waits until all callbacks that it set off have ended."""
        self.page.fill(selector, text)
        self.page.locator(selector).blur()
        self.settle()

    def settle(self, timeout: float = 30) -> None:
        """Waits until the page has rendered, no callback is due or pending and every answer has been recorded."""
        deadline = time.monotonic() + timeout
        self.page.locator(RENDERED).first.wait_for(state="attached", timeout=timeout * 1000)
        while self._recorder.pending or self.page.evaluate(LOADING) or self._recorder.pending:
            if time.monotonic() > deadline:
                raise TimeoutError(f"callbacks still pending after {timeout:g} s: {self._recorder.pending}")
            self.page.wait_for_timeout(10)  # lets the browser's events in

    def fetch(self, path: str) -> str:
        """Has the page ask its server for something, and returns the answer's text."""
        return self.page.evaluate("path => fetch(path).then(answer => answer.text())", path)

    def beside(self) -> Tab:
        """Another tab of the same user, whose complaints are this one's too."""
        self._beside.append(Tab(self.page.context.new_page()))
        return self._beside[-1]

    def stop(self) -> None:
        """Closes the user's context, with all its tabs."""
        self.page.context.close()

    # Looking

    def text(self, selector: str) -> str:
        return self.page.locator(selector).inner_text()

    def expect_text(self, selector: str, text: str | re.Pattern, timeout: float = 30) -> None:
        """Waits until the element's whole text is this, or its pattern matches."""
        expect(self.page.locator(selector)).to_have_text(text, timeout=timeout * 1000)

    def figure(self, graph_id: str) -> dict[str, Any]:
        """What a dcc.Graph has drawn: Plotly's data and layout. Waits for the first drawing; settle() before it."""
        return json.loads(self.page.evaluate(DRAWN, graph_id))

    @property
    def exchanges(self) -> list[Exchange]:
        """Every finished request of this tab, in the order in which they were sent."""
        return self._recorder.exchanges

    @property
    def callbacks(self) -> list[Exchange]:
        """Every finished _dash-update-component exchange, in the order in which they were sent."""
        return [exchange for exchange in self.exchanges if exchange.is_callback]

    def forget(self) -> None:
        """Starts the records of exchanges anew."""
        self._recorder.exchanges.clear()

    # The link

    def slow_link(self, megabits: float, latency_ms: float) -> None:
        """Has Chromium emulate a link of that rate in each direction, with that latency to every request."""
        rate = megabits * 1e6 / 8
        self._recorder.cdp.send("Network.emulateNetworkConditions", {
            "offline": False, "latency": latency_ms, "downloadThroughput": rate, "uploadThroughput": rate})

    # Complaints

    def allow(self, pattern: str) -> None:
        """Console messages, exceptions and failed requests that the regular expression finds are no complaint."""
        self._allowed.append(pattern)

    def complaints(self) -> list[str]:
        problems = [*self._problems, *(problem for tab in self._beside for problem in tab.complaints())]
        return [problem for problem in problems if not any(re.search(pattern, problem) for pattern in self._allowed)]

    def evidence(self, folder: Path) -> str:
        """What helps to understand a failure: where the tab is, what it shows, its complaints, its last requests."""
        if self.page.is_closed():
            return "closed"
        folder.mkdir(parents=True, exist_ok=True)
        picture = folder / "page.png"
        lines = [f"at {self.page.url}, picture in {picture}"]
        try:
            self.page.screenshot(path=picture)
            lines.append("shows: " + self.page.locator("body").inner_text(timeout=5000)[:500])
        except Error as error:
            lines.append(f"shows nothing: {error}")
        lines += dict.fromkeys([*self.console, *self._problems])
        lines += [f"{e.method} {e.path}: {e.status} {e.failure} up {e.bytes_up} down {e.bytes_down}"
                  for e in self.callbacks[-10:]]
        lines += [f"{e.method} {e.path}: {e.status or 'no answer'}, not finished" for e in self._recorder.unfinished]
        return "\n".join(lines)

    def _on_console(self, message) -> None:
        line = f"console {message.type}: {message.text} ({message.location.get('url', '')})"
        self.console.append(line)
        if message.type in ("error", "warning"):
            self._problems.append(line)

    def _on_failed(self, request: Request) -> None:
        self._problems.append(f"failed request: {request.method} {request.url}: {request.failure}")
