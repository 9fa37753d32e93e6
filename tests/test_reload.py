"""Restarts and changes of the configuration, in the middle of sessions: no data is lost, and no request fails."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.caddy import block, short_lived, site, stash
from harness.process import free_port
from harness.servers import Redis
from harness.user import EMPTY, User
from harness.wire import is_token

CLIENTS = 8


def test_A36_a_restart_in_mid_session(dash_app, proxy, tab):
    """With files as storage, the open page goes on after a restart of Caddy, its data still there."""
    caddy = proxy(dash_app("keep_some.py"))
    tab.open(caddy.url)
    tab.click("#all")
    tab.click("#read")
    before = tab.text("#report")
    caddy.restart()
    tab.forget()
    tab.click("#read")
    assert tab.text("#report") == before
    assert all(is_token(tab.callbacks[0].value(f"{name}.data")) for name in ("first", "second", "third"))
    tab.click("#second-only")
    tab.click("#read")
    assert tab.text("#report") == "1000 rows of click 1; 1000 rows of click 2; 998 rows of click 1"


def test_a_crash_in_mid_session(dash_app, proxy):
    """Nor is anything lost when Caddy is killed."""
    caddy = proxy(dash_app("numbered.py"))
    user = User(caddy.url, retries=1)
    user.fill(30_000)
    caddy.process.kill()
    caddy.start()
    user.read()
    assert user.count["restored"] == 6


# Each is a configuration that the next one takes the place of.
RELOADS = {
    "file": lambda server: [
        block("storage file", "max_size 1GiB"), block("storage file", "max_size 900MiB") + "\nstores store-2",
        "stores store-0 store-1\nttl 1h", "dry_run", "min_size 4MB"],
    "redis": lambda server: redis_storages(server(Redis)),
}


def redis_storages(redis):
    return [redis.storage(), redis.storage("near off"), redis.storage(block("near memory", "max_size 100KB")),
            redis.storage("pool_size 2") + "\nttl 1h", redis.storage() + "\ndry_run"]


@pytest.mark.parametrize("storage", RELOADS)
def test_reloads_while_data_is_written_and_read(dash_app, caddy, server, storage):
    """While the configuration changes to and fro (limits, Stores, layers), eight clients write and read: every request
    succeeds, and what was written before a change is read after it."""
    app, port = dash_app("numbered.py", env={"STORES": "3"}), free_port()
    sites = [site(port, short_lived(app.port), stash(options)) for options in RELOADS[storage](server)]
    running = caddy(sites[0], port)
    users = [User(running.url, f"word{n}", stores=3, retries=5) for n in range(CLIENTS)]
    changed = threading.Event()

    def work(user):
        rounds = 0
        while not changed.is_set() or rounds < 5:
            user.fill(20_000 + 1000 * rounds)
            for _ in range(6):
                user.read()
            rounds += 1
        return rounds

    with ThreadPoolExecutor(CLIENTS) as pool:
        work_done = [pool.submit(work, user) for user in users]
        try:
            for _ in range(6):
                for each in [*sites[1:], sites[0]]:
                    running.reload(each)
        finally:
            changed.set()
        rounds = [each.result() for each in work_done]
    assert min(rounds) >= 5
    assert min(user.count["restored"] for user in users) > 0


def test_what_was_stored_survives_a_change_of_limits(dash_app, caddy):
    """A reload with another max_size keeps the data, in memory too; a smaller one lets the oldest go."""
    app, port = dash_app("numbered.py", env={"STORES": "2"}), free_port()

    def with_limit(max_size):
        return site(port, f"127.0.0.1:{app.port}", stash(block("storage memory", f"max_size {max_size}")))

    running = caddy(with_limit("10MB"), port)
    old, new = (User(running.url, word, stores=2, retries=1) for word in ("old", "new"))
    old.fill(100_000)
    new.fill(100_000)
    running.reload(with_limit("20MB"))
    old.read()
    new.read()
    running.reload(with_limit("250KB"))
    new.read()
    assert old.look() == EMPTY
