"""Fixtures: dash_app, server, proxy, proxies, caddy, dash_proxy, terminal, browser, new_tab, tab, page, new_disk, small_disk.
tests/README.md shows them in use.

Whatever a test starts is stopped at its end, also when it fails, and then asked for complaints: a console message, a
token that reached the app, an error in Caddy's log. Any complaint fails the test; a failed test shows the logs.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from harness import browser as chromium
from harness import disk
from harness.app import App
from harness.caddy import Caddy, site, stash
from harness.dash_proxy import DashProxy, Terminal
from harness.process import free_port
from harness.tab import Tab

STARTED = pytest.StashKey[list]()
FAILURES = Path(__file__).parents[1] / ".cache" / "failures"


@pytest.fixture
def started(request) -> list:
    """What the test has started, for the report of a failure."""
    return request.node.stash.setdefault(STARTED, [])


def settle_up(things: list) -> None:
    """Stops processes and fails the test with their complaints."""
    complaints = []
    for thing in reversed(things):
        thing.stop()
        complaints += thing.complaints()
    if complaints:
        pytest.fail("\n".join(complaints), pytrace=False)


@pytest.fixture
def dash_app(tmp_path, started):
    """dash_app("three_stores.py", **options of harness.app.App) -> App, running."""
    apps: list[App] = []

    def start(file: str | Path, **options) -> App:
        apps.append(App(file, tmp_path, **options))
        started.append(apps[-1])
        return apps[-1]

    yield start
    settle_up(apps)


@pytest.fixture
def server(tmp_path, started):
    """server(Redis, *options) -> one of harness.servers, running."""
    servers: list = []

    def start(kind: type, *args, **options):
        servers.append(kind(tmp_path, *args, **options))
        started.append(servers[-1])
        servers[-1].start()
        return servers[-1]

    yield start
    settle_up(servers)


@pytest.fixture
def caddy(tmp_path_factory, started, dash_app, server):
    """caddy(sites, port, folder=..., global_options=...) -> Caddy, running; a fresh folder unless one is given.

    It asks for dash_app and server only so that it is stopped before them.
    """
    running: list[Caddy] = []

    def start(sites: str, port: int, *, folder: Path | None = None, **options) -> Caddy:
        running.append(Caddy(sites, port, folder or tmp_path_factory.mktemp("caddy"), **options))
        started.append(running[-1])
        return running[-1]

    yield start
    settle_up(running)


@pytest.fixture
def proxy(caddy):
    """proxy(app) -> Caddy with Dashstash in front of the app.

    options: what stands inside the directive's block, one option a line
    directives: instead of that, all that stands before reverse_proxy; "" is a plain Caddy
    after: what stands behind reverse_proxy
    folder, global_options: as for caddy
    """

    def start(app: App, options: str = "", *, directives: str | None = None, after: str = "", **caddy_options) -> Caddy:
        port = free_port()
        before = stash(options) if directives is None else directives
        return caddy(site(port, f"127.0.0.1:{app.port}", before, after), port, **caddy_options)

    return start


@pytest.fixture
def proxies(caddy):
    """proxies(app, options, ...) -> one Caddy with a site in front of the app for each text of options, and their URLs."""

    def start(app: App, *options: str, **caddy_options) -> tuple[Caddy, list[str]]:
        ports = [free_port() for _ in options]
        sites = "".join(site(port, f"127.0.0.1:{app.port}", stash(text)) for port, text in zip(ports, options, strict=True))
        return caddy(sites, ports[0], **caddy_options), [f"http://127.0.0.1:{port}/" for port in ports]

    return start


@pytest.fixture
def dash_proxy(tmp_path_factory, started, dash_app, server):
    """dash_proxy(app.port, ..., *options) -> DashProxy, running; a fresh folder unless one is given."""
    running: list[DashProxy] = []

    def start(*arguments: int | str, folder: Path | None = None, **others) -> DashProxy:
        ports = [argument for argument in arguments if isinstance(argument, int)]
        options = [argument for argument in arguments if isinstance(argument, str)]
        running.append(DashProxy(folder or tmp_path_factory.mktemp("dash-proxy"), ports, *options, **others))
        started.append(running[-1])
        return running[-1].start()

    yield start
    settle_up(running)


@pytest.fixture
def terminal():
    """terminal(command, env) -> Terminal, running."""
    opened = []

    def start(*args) -> Terminal:
        opened.append(Terminal(*args))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        launched = chromium.launch(playwright)
        yield launched
        launched.close()


@pytest.fixture
def new_tab(browser, started, dash_app, caddy):
    """new_tab() -> Tab of a new user; new_tab(beside=tab) -> another tab of the same user.

    It asks for dash_app and caddy only so that tabs are closed before those stop.
    """
    tabs: list[Tab] = []

    def open_tab(beside: Tab | None = None, **options) -> Tab:
        tabs.append(chromium.open_tab(browser, beside and beside.page.context, **options))
        started.append(tabs[-1])
        return tabs[-1]

    yield open_tab
    settle_up(tabs)


@pytest.fixture
def tab(new_tab) -> Tab:
    return new_tab()


@pytest.fixture
def page(tab):
    """Playwright's page of the tab."""
    return tab.page


@pytest.fixture
def new_disk(tmp_path):
    """new_disk("8m") -> the directory of a disk of that size."""
    folders: list[Path] = []

    def make(size: str) -> Path:
        folder = tmp_path / f"disk-{len(folders)}"
        folder.mkdir()
        disk.mount(folder, size)
        folders.append(folder)
        return folder

    yield make
    for folder in folders:
        disk.unmount(folder)


@pytest.fixture
def small_disk(new_disk) -> Path:
    """A directory with room for 256 KiB."""
    return new_disk("256k")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        for thing in item.stash.get(STARTED, []):
            report.sections.append((thing.name, thing.evidence(FAILURES / item.name)))
