"""Redis as storage, when it is away, hangs, is full, or lets nobody in."""

import os
import re
import signal
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.caddy import block
from harness.process import wait_until
from harness.servers import DOWN, UP, Cluster, Redis, Sentinels
from harness.user import EMPTY, RIGHT, UNAVAILABLE, User, together

@pytest.mark.parametrize("near", ["near off", ""])
def test_redis_dies_under_load(dash_app, proxy, server, near):
    """Redis is killed while eight users are at work, and comes back with its data. Nobody ever misses anything or gets anything
    wrong: meanwhile new data goes inline, and what cannot be reached is told as such. One line each tells of it."""
    redis = server(Redis, "--appendonly", "yes")
    caddy = proxy(dash_app("numbered.py", env={"STORES": "2"}), redis.storage(near))
    caddy.allow("unavailable")
    early = User(caddy.url, "early", stores=2)
    early.fill(5000)
    early.read()
    ended = threading.Event()

    def work(user):
        outcomes = Counter()
        while not ended.is_set():
            user.fill(5000)
            outcomes.update(user.look() for _ in range(4))
        return outcomes

    users = [User(caddy.url, f"user {n}", stores=2) for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        work_done = [pool.submit(work, user) for user in users]
        try:
            time.sleep(1)
            redis.kill()
            wait_until(lambda: caddy.logs("warn", DOWN), "Dashstash to notice")
            late = User(caddy.url, "late", stores=2)
            late.fill(5000)
            late.read()
            assert late.tokens == 0
            assert early.look() == (UNAVAILABLE if near else RIGHT)  # by default it is still in the local layer
            redis.start()
            wait_until(lambda: caddy.logs("info", UP), "Dashstash to find it again")
            time.sleep(1)
        finally:
            ended.set()
        outcomes = sum((each.result() for each in work_done), Counter())
    assert outcomes[RIGHT] > 100 and outcomes[EMPTY] == 0
    for user in (early, late, *users):
        user.read()
        user.fill(5000)
        assert user.tokens == 2
        user.read()
    assert len(caddy.logs("warn", DOWN)) == len(caddy.logs("info", UP)) == 1


def test_redis_dies_while_large_data_goes_to_the_app(dash_app, proxy, server):
    """The app has got a part of the request, and never the rest: the browser is told that it may try again."""
    redis = server(Redis)
    caddy = proxy(dash_app("numbered.py", env={"STORES": "1"}), redis.storage("near off"))
    caddy.allow("unavailable")
    user = User(caddy.url, stores=1)
    user.fill(150_000_000)
    with ThreadPoolExecutor(1) as pool:
        outcome = pool.submit(user.look)
        wait_until(lambda: int(redis.cli("info", "stats").split("total_net_output_bytes:")[1].split()[0]) > 20_000_000,
                   "it to be read")
        redis.kill()
        assert outcome.result() == UNAVAILABLE


def test_redis_comes_later(dash_app, proxy, server):
    """Caddy starts before its Redis, and works: data is inline until it is there."""
    redis = server(Redis)
    redis.kill()
    caddy = proxy(dash_app("numbered.py"), redis.storage())
    caddy.allow("unavailable")
    user = User(caddy.url)
    user.fill(5000)
    user.read()
    assert user.tokens == 0
    redis.start()

    def stored():
        user.fill(5000)
        user.read()
        return user.tokens == 6

    wait_until(stored, "data to be stored")


def test_redis_hangs(dash_app, proxy, server):
    """When Redis does not answer, nobody waits longer than a few timeouts; when it does again, all goes on."""
    redis = server(Redis)
    caddy = proxy(dash_app("numbered.py"), redis.storage("timeout 300ms", "near off"))
    caddy.allow("unavailable|timeout|deadline")
    early, user = User(caddy.url, "early"), User(caddy.url)
    early.fill(5000)
    os.kill(redis.process.pid, signal.SIGSTOP)
    start = time.monotonic()
    try:
        for _ in range(3):
            user.fill(5000)
            assert user.tokens == 0
            user.read()
            assert early.look() == UNAVAILABLE
    finally:
        os.kill(redis.process.pid, signal.SIGCONT)
    assert time.monotonic() - start < 6
    wait_until(lambda: early.look() == RIGHT, "Redis to be found again")


def test_A41_redis_is_full(dash_app, proxy, server):
    """When Redis takes no more, new data goes inline, what it holds is read as before, and one line tells of it."""
    redis = server(Redis, "--maxmemory", "4mb", "--maxmemory-policy", "noeviction")
    caddy = proxy(dash_app("numbered.py"), redis.storage("near off"))
    users = [User(caddy.url, f"user {n}") for n in range(8)]
    together(lambda user: user.fill(200_000), users)
    assert {user.tokens for user in users} >= {0}
    assert sum(user.tokens for user in users) > 0
    together(lambda user: [user.read() for _ in range(5)], users)
    redis.cli("config", "set", "maxmemory", "0")
    users[0].fill(200_000)
    assert users[0].tokens == 6
    users[0].read()
    [line] = caddy.logs("warn", "cannot be stored")
    assert "maxmemory" in line["error"]
    assert not caddy.logs("warn", DOWN)


def test_redis_lets_nobody_in(dash_app, proxy, server):
    """A wrong password is told in the log, without the password; the app works."""
    redis = server(Redis, password="right")
    caddy = proxy(dash_app("numbered.py"), block(f"storage redis {redis.address}", "password mistaken-word"))
    user = User(caddy.url)
    user.fill(5000)
    user.read()
    assert user.tokens == 0
    assert any("password" in line["error"] for line in caddy.logs("warn", "storage"))
    assert "mistaken-word" not in caddy.process.log()


def test_a_failover(dash_app, proxy, server):
    """The master dies, and a replica takes over: what it has got is read as before, without a restart or a wrong answer."""
    place = server(Sentinels)
    caddy = proxy(dash_app("numbered.py"), place.storage("near off"))
    caddy.allow("unavailable")
    early, user = User(caddy.url, "early"), User(caddy.url)
    early.fill(5000)
    early.read()
    wait_until(lambda: offset(place.replica, "slave") == offset(place.master, "master"), "the replica to have all")
    place.master.kill()

    def back():
        user.fill(5000)
        outcomes = {early.look(), user.look()}
        assert EMPTY not in outcomes
        return outcomes == {RIGHT} and user.tokens == 6

    wait_until(back, "the replica to be found")
    assert "role:master" in place.replica.cli("info", "replication")


def offset(redis, role):
    """How far a Redis is in the stream of what was written."""
    return int(re.search(rf"{role}_repl_offset:(\d+)", redis.cli("info", "replication"))[1])


def test_a_node_of_a_cluster_dies(dash_app, proxy, server):
    """While one of three nodes is away, new data is inline or stored elsewhere, and what cannot be reached is told as such; when
    it is back, without what it had, that is a miss, and all is stored again."""
    place = server(Cluster)
    caddy = proxy(dash_app("numbered.py"), place.storage("near off"))
    caddy.allow("unavailable")
    early, user = User(caddy.url, "early"), User(caddy.url)
    early.fill(5000)
    place.servers[1].kill()
    for _ in range(20):
        user.fill(5000)
        assert {early.look(), user.look()} <= {RIGHT, UNAVAILABLE}
    place.servers[1].start()

    def back():
        user.fill(5000)
        return user.tokens == 6 and user.look() == RIGHT and early.look() in (RIGHT, EMPTY)

    wait_until(back, "the node to be used again")
