"""Purging by the admin API: what goes and what stays, on each kind of storage, and while pages are at work."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.admin import Admin
from harness.caddy import payloads, set_back, site, stash
from harness.page import Page
from harness.process import free_port, wait_until
from harness.servers import Memcached, Redis
from harness.user import EMPTY, RIGHT, User, together

SECRET = "secret a-secret-of-this-test"


@pytest.fixture
def storage(request, server, tmp_path):
    """The option storage of a kind, and a server's process is running."""
    kind, _, extra = request.param.partition("+")
    options = {"file": lambda: f"storage file {tmp_path}/stash", "memory": lambda: "storage memory", "redis": lambda: server(Redis).storage()}
    return f"{options[kind]()}\n{SECRET}\n{extra}"


EACH = pytest.mark.parametrize("storage", ["file", "memory", "redis", "file+encrypt", "redis+encrypt"], indirect=True)


def app_at(url):
    """The name of the app at a URL."""
    return url.split("/", 2)[2]


@EACH
def test_by_store(storage, dash_app, proxy):
    caddy = proxy(dash_app("numbered.py"), storage)
    user = User(caddy.url)
    user.fill(5000)
    purged = Admin(caddy.admin_port).purge(store="store-2")
    assert purged["entries"] == 1 and purged["bytes"] > 5000
    assert user.look() == EMPTY
    user.values["store-2.data"] = None  # as behind the reload
    said = user.call().json()["response"]["report"]["children"].split(", ")
    assert [n for n, one in enumerate(said) if one == EMPTY] == [2]
    assert Admin(caddy.admin_port).purge(store="store-2")["entries"] == 0


@EACH
def test_by_app_and_all(storage, dash_app, proxies):
    """Two apps on one storage; and what is known of apps stays, so that nobody has to ask them."""
    caddy, urls = proxies(dash_app("numbered.py"), storage, storage)
    admin, users = Admin(caddy.admin_port), [User(url, f"user {n}") for n, url in enumerate(urls)]
    together(lambda user: user.fill(5000), users)
    assert admin.purge(app=app_at(users[0].client.url))["entries"] == 6
    assert together(User.look, users) == [EMPTY, RIGHT]
    users[0].fill(3000)
    assert admin.purge(all=True)["entries"] == 12
    assert together(User.look, users) == [EMPTY, EMPTY]
    together(lambda user: user.fill(4000), users)
    assert together(User.look, users) == [RIGHT, RIGHT]


def test_by_namespace(dash_app, proxy):
    """Two handlers in a row, for different Stores, on one storage."""
    both = "\n".join(stash(f"storage memory\non_missing null\n{options}") for options in
                     ("stores store-0 store-1 store-2\nnamespace one", "stores store-3 store-4 store-5\nnamespace two"))
    caddy = proxy(dash_app("numbered.py"), directives=both)
    user = User(caddy.url)
    user.fill(5000)
    assert Admin(caddy.admin_port).purge(namespace="two")["entries"] == 3
    said = user.call().json()["response"]["report"]["children"].split(", ")
    assert [one == EMPTY for one in said] == 3 * [False] + 3 * [True]


def test_by_age(dash_app, proxy, tmp_path):
    caddy = proxy(dash_app("numbered.py"), f"storage file {tmp_path}/stash\n{SECRET}")
    old, new = User(caddy.url, "old"), User(caddy.url, "new")
    old.fill(5000)
    caddy.stop()
    set_back(payloads(tmp_path / "stash"), minutes=90)
    caddy.start()
    new.fill(5000)
    assert Admin(caddy.admin_port).purge(older_than="2h")["entries"] == 0
    assert Admin(caddy.admin_port).purge(older_than="1h")["entries"] == 6
    assert together(User.look, [old, new]) == [EMPTY, RIGHT]


def test_after_a_restart(dash_app, proxy, server):
    """Whose data it is, is in the storage: a Caddy that has just started, and has seen no app, knows."""
    app, redis = dash_app("numbered.py"), server(Redis)
    caddy = proxy(app, f"{redis.storage()}\n{SECRET}")
    user = User(caddy.url)
    user.fill(5000)
    caddy.restart()
    assert Admin(caddy.admin_port).purge(app=app_at(user.client.url), store="store-0")["entries"] == 1
    assert user.look() == EMPTY


def test_memcached_says_that_it_cannot(dash_app, proxy, server):
    caddy = proxy(dash_app("numbered.py"), server(Memcached).storage())
    (told,) = Admin(caddy.admin_port).status()["storages"]
    assert (told["entries"], told["bytes"], told["available"]) == (None, None, True)  # nor what it holds
    response = Admin(caddy.admin_port).post_purge(json={"all": True})
    assert response.status_code == 501
    assert "memcached" in response.json()["error"] and "flush_all" in response.json()["error"]
    caddy.allow("request error")


@pytest.mark.parametrize("storage", ["file", "memory", "redis"], indirect=True)
@pytest.mark.timeout(120)
def test_under_load(storage, dash_app, caddy):
    """Ten pages are at work while all of it is purged, again and again: each gets what it stored or is told that it is gone, and
    works again in the end; no token reaches the app."""
    app, port = dash_app("chaos.py"), free_port()
    running = caddy(site(port, f"127.0.0.1:{app.port}", stash(storage)), port)
    pages = [Page(f"page {number}", [running.url], number) for number in range(10)]
    for page in pages:
        page.open()
    ended = threading.Event()
    admin = Admin(running.admin_port)

    def use(page):
        while not ended.is_set():
            page.turn()

    with ThreadPoolExecutor(len(pages)) as pool:
        work = [pool.submit(use, page) for page in pages]
        try:
            for what in 6 * [{"all": True}, {"store": "first"}, {"app": app_at(running.url)}, {"older_than": "0s"}]:
                admin.purge(**what)
                ended.wait(0.3)
        finally:
            ended.set()
        for each in work:
            each.result()
    together(lambda page: wait_until(page.works, f"{page.name} to work again", 30), pages)
    assert not any(page.ill for page in pages)
    assert sum(page.count["healed"] for page in pages) > 10
    assert not sum(count for page in pages for name, count in page.count.items() if name.startswith(("status", "connection")))
    for page in pages:
        page.close()


def test_the_page_of_a_user_heals(dash_app, proxy, tab):
    """In a browser: behind a purge, the next click reloads the page, which then works."""
    caddy = proxy(dash_app("kept.py"), "stores auto memory session local")
    tab.open(caddy.url)
    tab.click("#fill")
    assert Admin(caddy.admin_port).purge(app=app_at(caddy.url))["entries"] == 3
    with tab.page.expect_navigation():
        tab.page.click("#read")
    tab.settle()
    tab.click("#fill")
    tab.click("#read")
    tab.expect_text("#report", re.compile(r"\d+ \d+ \d+"))
