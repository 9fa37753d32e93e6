"""Limits of a storage: they are kept to, and nobody who is at work loses anything for them. What there is no room for goes
inline, as without Dashstash.

What was used within the last minute is not evicted. A test that wants something evicted sets the clock back: the time of a
payload's file is its last use.
"""

import re
from contextlib import suppress
from pathlib import Path

from harness.caddy import block, payloads, set_back
from harness.servers import Memcached, Redis
from harness.user import EMPTY, User, together

REPO = Path(__file__).parents[1]
SIZE = 2000  # of the data of a Store, whose payload is {"text":"…"}: eleven bytes more


def of_entries(entries, folder):
    """Options for a storage of so many entries: in files, and in memory."""
    return [block(f"storage {place}", f"max_entries {entries}") for place in (f"file {folder}", "memory")]


def work(times):
    """What a user does: fills the Stores and reads them, so many times."""

    def rounds(user):
        for _ in range(times):
            user.fill(SIZE)
            user.read()

    return rounds


def test_A25_a_thousand_refreshes(dash_app, proxy, tmp_path):
    """While four users refresh a thousand times, what is on the disk stays under max_size, whether old data makes room for new
    or all of it is in use."""
    folder, limit, user_count = tmp_path / "payloads", 100_000, 4
    caddy = proxy(dash_app("numbered.py", env={"STORES": "2"}), block(f"storage file {folder}", f"max_size {limit}B"))
    users = [User(caddy.url, f"user {n}", stores=2, retries=1) for n in range(user_count)]

    def refresh(user):
        most = 0
        for n in range(125):
            user.fill(SIZE)
            if n % 5 == 0:
                user.read()
            most = max(most, bytes_in(folder))
        return most

    kept = []
    for _ in range(2):
        most = max(together(refresh, users))
        under_way = user_count * len(users[0].names)
        assert limit * 3 // 4 < most < limit + under_way * (SIZE + 20) + 8 * limit // SIZE
        files = payloads(folder)
        assert sum(file.stat().st_size - 8 for file in files) <= limit
        kept.append(files)
        caddy.stop()
        set_back(files, minutes=5)
        caddy.start()
    assert not set(kept[0]) & set(kept[1])


def bytes_in(folder):
    """The sizes of all files in a folder, some of which may be gone before they are looked at."""
    total = 0
    for file in folder.rglob("*.*"):
        with suppress(FileNotFoundError):
            total += file.stat().st_size
    return total


def test_A26_options_of_flask_caching(dash_app, proxies, server, tmp_path):
    """Whatever docs/migrate.md names in place of an option of flask-caching or dash-extensions is an option, and works."""
    redis, memcached = server(Redis), server(Memcached)
    examples = {
        "dash_stash": "",
        "storage file": "storage file",
        "storage memory": "storage memory a",
        "storage redis": redis.storage(),
        "storage redis <address>": redis.storage(),
        "storage memcached": memcached.storage(),
        "storage memcached <address>": memcached.storage(),
        "storage file <directory>": f"storage file {tmp_path / 'directory'}",
        "max_entries": block("storage memory b", "max_entries 100"),
        "max_size": block("storage memory c", "max_size 10MB"),
        "ttl": "ttl 5m",
        "scope": "scope {http.request.header.User-Agent}",
        "namespace": "namespace of-this-app",
        "prefix": redis.storage("prefix another:"),
    }
    table = (REPO / "docs" / "migrate.md").read_text().split("## What is what")[1].split("\n## ")[0]
    named = {re.findall("`([^`]+)`", row.split("|")[2])[0] for row in table.splitlines() if row.startswith("| `")}
    assert {"dash_stash", "ttl"} < named <= set(examples)
    _, urls = proxies(dash_app("numbered.py"), *examples.values())
    for url in urls:
        user = User(url)
        user.fill(SIZE)
        user.read()
        assert user.count["restored"] == 6


def test_A27_as_many_entries_as_there_are(dash_app, proxies, tmp_path):
    """Ten users of six Stores, and room for sixty entries: nobody misses anything."""
    _, urls = proxies(dash_app("numbered.py"), *of_entries(60, tmp_path / "payloads"))
    for url in urls:
        users = [User(url, f"user {n}") for n in range(10)]
        together(work(10), users)
        assert sum(user.count["restored"] for user in users) > 0
    assert 0 < len(payloads(tmp_path / "payloads")) <= 60


def test_A28_room_for_one_entry(dash_app, proxies, tmp_path):
    """With room for one entry, one user of one Store gets along for a hundred updates."""
    _, urls = proxies(dash_app("numbered.py", env={"STORES": "1"}), *of_entries(1, tmp_path / "payloads"))
    together(work(100), [User(url, stores=1) for url in urls])
    assert len(list((tmp_path / "payloads").rglob("*.payload"))) == 1


def test_A37_five_users_of_two_stores(dash_app, proxy, tmp_path):
    """Five users of two Stores, and room for ten entries: no miss over 200 updates each."""
    caddy = proxy(dash_app("numbered.py", env={"STORES": "2"}), of_entries(10, tmp_path / "payloads")[0])
    users = [User(caddy.url, f"user {n}", stores=2) for n in range(5)]
    together(work(200), users)
    assert sum(user.count["restored"] for user in users) > 0


def test_A39_one_user_more_than_there_is_room_for(dash_app, proxies, tmp_path):
    """Of five users and room for four, the four who came first keep what they have, and the fifth works all the same."""
    _, urls = proxies(dash_app("numbered.py"), *of_entries(4 * 6 + 1, tmp_path / "payloads"))  # one for what is known of the app
    for url in urls:
        users = [User(url, f"user {n}") for n in range(5)]
        for user in users:
            user.fill(SIZE)
        assert [user.tokens for user in users] == [6, 6, 6, 6, 0]
        together(lambda user: [user.read() for _ in range(20)], users)


def test_A31_the_least_recently_used_goes(dash_app, proxy, tmp_path):
    """When old data must make room, it is not the oldest that goes, but what was used least recently; also by restarts."""
    folder = tmp_path / "payloads"
    caddy = proxy(dash_app("numbered.py", env={"STORES": "1"}), block(f"storage file {folder}", "max_size 35KB"))
    users = []
    for word in ("first", "second", "third"):
        users.append(User(caddy.url, word, stores=1, retries=1))
        users[-1].fill(10_000)
    first, second, third = users
    caddy.stop()
    for user, minutes in ((first, 9), (second, 5), (third, 7)):
        [file] = [file for file in payloads(folder) if user.word.encode() in file.read_bytes()[:50]]
        set_back([file], minutes)
    caddy.start()
    first.read()  # now third is what was used least recently
    fourth = User(caddy.url, "fourth", stores=1)
    fourth.fill(10_000)
    assert fourth.tokens == 1
    assert [user.look() == EMPTY for user in (first, second, third, fourth)] == [False, False, True, False]
