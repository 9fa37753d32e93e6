"""Restarts and changes of the configuration, in the middle of sessions: no data is lost, and no request fails."""

import threading
import zlib
from concurrent.futures import ThreadPoolExecutor

from harness.caddy import site, stash
from harness.process import free_port
from harness.wire import Client, is_token

FILL = ["one.data", "two.data", "other.data"]
CLIENTS = 8


def test_a_restart_in_mid_session(dash_app, proxy, tab):
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
    caddy = proxy(dash_app("any_size.py"))
    user = User(caddy.url, "word")
    user.fill(30_000)
    caddy.process.kill()
    caddy.start()
    user.read()
    assert user.tokens_read == 3


def test_reloads_while_data_is_written_and_read(dash_app, caddy):
    """While the configuration changes to and fro (max_size, stores), eight clients write and read: every request
    succeeds, and what was written before a change is read after it."""
    app, port = dash_app("any_size.py"), free_port()
    sites = [site(port, short_lived(app), stash(options)) for options in (
        "storage file {\n\tmax_size 1GiB\n}",
        "storage file {\n\tmax_size 900MiB\n}\nstores other",
        "stores one two\nttl 1h",
        "dry_run",
        "min_size 4MB",
    )]
    running = caddy(sites[0], port)
    users = [User(running.url, f"word{n}") for n in range(CLIENTS)]
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
    assert min(user.tokens_read for user in users) > 0


def short_lived(app):
    """The app as upstream. Any Caddy leaves the idle connections of each configuration open for two minutes, and at a
    hundred waitress takes no more: they are to last a second."""
    return f"127.0.0.1:{app.port} {{\n\ttransport http {{\n\t\tkeepalive 1s\n\t}}\n}}"


def test_what_was_stored_survives_a_change_of_limits(dash_app, caddy):
    """A reload with another max_size keeps the data, in memory too; a smaller one lets the oldest go."""
    app, port = dash_app("any_size.py"), free_port()

    def with_limit(max_size):
        return site(port, f"127.0.0.1:{app.port}", stash(f"storage memory {{\n\tmax_size {max_size}\n}}"))

    running = caddy(with_limit("10MB"), port)
    old, new = User(running.url, "old"), User(running.url, "new")
    old.fill(100_000)
    new.fill(100_000)
    running.reload(with_limit("20MB"))
    old.read()
    new.read()
    running.reload(with_limit("250KB"))
    new.read()
    assert old.call_report().json()["response"]["report"]["children"] == "empty, empty, empty"


class User:
    """A page of any_size.py, and what its Stores hold."""

    def __init__(self, url, word):
        self.client = Client(url, retries=5)
        self.client.open()
        self.word = word
        self.size = 0
        self.stores = {}
        self.tokens_read = 0

    def fill(self, size):
        self.size = size
        self.stores = self.client.outputs(FILL, {"fill.n_clicks": 1}, {"size.value": size, "word.value": self.word})

    def call_report(self):
        return self.client.call(["report.children"], {name: self.stores[name] for name in FILL})

    def read(self):
        """Reads the Stores, and asserts that the app got what the last fill made."""
        response = self.call_report()
        assert response.status_code == 200, response.text
        assert response.json()["response"]["report"]["children"] == ", ".join(
            f"{self.size} bytes {self._sum(word):08x}" for word in (self.word, self.word, f"not {self.word}"))
        self.tokens_read += sum(is_token(value) for value in self.stores.values())

    def _sum(self, word):
        return zlib.crc32((f"{word} " * self.size)[:self.size].encode())
