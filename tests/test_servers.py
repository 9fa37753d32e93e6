"""What holds for data on any server: Redis alone, with a password, with TLS, as a Cluster, with Sentinels, and memcached."""

import shutil
import time

import pytest

from harness.caddy import payloads
from harness.servers import Cluster, Memcached, Memcacheds, Redis, Sentinels, TlsRedis
from harness.user import EMPTY, RIGHT, User, together
from harness.wire import Client, is_token

PLACES = {
    "redis": lambda server: server(Redis).storage(),
    "redis-password": lambda server: server(Redis, password="a word or two").storage(),
    "redis-url": lambda server: f"storage redis redis://:word@{server(Redis, password='word').address}/3",
    "redis-tls": lambda server: server(TlsRedis).storage(),
    "redis-cluster": lambda server: server(Cluster).storage(),
    "redis-sentinel": lambda server: server(Sentinels, 3).storage(),
    "memcached": lambda server: server(Memcacheds).storage(),
}
STORES = ["rows.data", "squares.data", "names.data"]


@pytest.mark.parametrize("place", PLACES)
def test_A42_one_directive_more(dash_app, proxy, server, place):
    """The app of three Stores works without any service, and with one directive more on each server. There a Caddy that has lost
    all else finds the data again."""
    app = dash_app("three_stores.py")
    shown = []
    for options in (None, "", PLACES[place](server)):
        caddy = None if options is None else proxy(app, options)
        client = Client(caddy.url if caddy else app.url, retries=1)
        client.open()
        stores = client.outputs(STORES, {"load.n_clicks": 1})
        assert [is_token(value) for value in stores.values()] == [bool(caddy)] * 3
        if options:
            caddy.restart()
        rows, *others = stores.items()
        shown.append(client.outputs(["summary.children", "graph.figure"], dict([rows]), dict(others)))
    assert shown[0] == shown[1] == shown[2]


def test_A35_time_to_live(dash_app, proxies, server, tmp_path):
    """Of two users, one is at work for three times the ttl, and misses nothing; what the other had is gone by then. With a local
    layer before it, a server learns of uses, too: that layer's loss changes nothing."""
    ttl, redis = 4, server(Redis)
    storages = [f"storage file {tmp_path / 'payloads'}", redis.storage(), server(Memcached).storage(), "storage memory"]
    caddy, urls = proxies(dash_app("numbered.py"), *[f"ttl {ttl}s\n{storage}" for storage in storages])
    busy, idle = ([User(url, word, retries=1) for url in urls] for word in ("busy", "idle"))
    for user in (*busy, *idle):
        user.fill(5000)
        assert user.tokens == 6
    deadline = time.monotonic() + 3 * ttl
    while time.monotonic() < deadline:
        time.sleep(ttl / 10)
        together(lambda user: user.read(), busy)
    assert [user.look() for user in idle] == [EMPTY] * 4
    caddy.restart()
    assert [user.look() for user in busy] == [RIGHT, RIGHT, RIGHT, EMPTY]
    time.sleep(2 * ttl)
    assert [user.look() for user in busy] == [EMPTY] * 4
    assert not payloads(tmp_path / "payloads")
    assert redis.cli("keys", "*") == "dash_stash:counts"


@pytest.mark.parametrize("kind", [Redis, Memcached])
def test_A43_emptied_while_running(dash_app, proxy, server, kind):
    """When somebody empties the server, what was in it is a miss, and the next data is stored: nothing has to be restarted."""
    place = server(kind)
    caddy = proxy(dash_app("numbered.py"), place.storage("near off"))
    user = User(caddy.url)
    user.fill(5000)
    user.read()
    place.forget()
    assert user.look() == EMPTY
    user.clicks -= 1  # the same data again
    user.fill(5000)
    assert user.tokens == 6
    user.read()


@pytest.mark.parametrize("kind, options", [
    (Redis, ["--maxmemory", "20mb", "--maxmemory-policy", "allkeys-lru"]), (Memcached, ["-m", "16"])], ids=["redis", "memcached"])
def test_A31_what_a_server_evicts(dash_app, proxy, server, kind, options):
    """When there is more data than the server keeps, of which it may drop any piece, what is old is right or a miss."""
    caddy = proxy(dash_app("numbered.py", env={"STORES": "1"}), server(kind, *options).storage("near off"))
    users = [User(caddy.url, f"user {n}", stores=1) for n in range(12)]
    for user in users:
        user.fill(3_000_000)
        user.read()
    outcomes = [user.look() for user in users]
    assert EMPTY in outcomes and set(outcomes) <= {RIGHT, EMPTY}


def test_A31_what_somebody_changes_on_a_server(dash_app, proxy, server):
    """What is not what was stored is a miss, and a line in the log; the same data is stored anew."""
    redis = server(Redis)
    caddy = proxy(dash_app("numbered.py"), "on_missing null\n" + redis.storage("near off"))
    user = User(caddy.url)
    user.fill(5000)
    damages = [("setrange", "1000", "changed"), ("append", "more"), ("set", ""), ("set", "\x80\x04\x95 a pickle")]
    strings = [key for key in redis.cli("keys", "*").split() if redis.cli("type", key) == "string"]
    keys = [key for key in strings if int(redis.cli("strlen", key)) > 5000]  # not what is known of the app
    for key, (command, *args) in zip(keys, damages):
        redis.cli(command, key, *args)
    assert user.look() == EMPTY
    assert user.call().text.count(EMPTY) == len(damages)
    assert len(caddy.logs("warn", "a stored payload was damaged and is removed")) == len(damages)
    user.clicks -= 1  # the same data again
    user.fill(5000)
    assert user.tokens == 6
    user.read()


def test_a_damaged_local_layer(dash_app, proxy, server, tmp_path):
    """What is damaged or gone in the local layer is fetched from the server again: nobody misses it."""
    folder = tmp_path / "near"
    caddy = proxy(dash_app("numbered.py"), server(Redis).storage(f"near file {folder}"))
    user = User(caddy.url, retries=1)
    user.fill(5000)
    caddy.stop()
    cut, gone, *_ = payloads(folder)
    cut.write_bytes(cut.read_bytes()[:1000])
    gone.unlink()
    caddy.start()
    user.read()
    assert len(caddy.logs("warn", "a stored payload was damaged and is removed")) == 1
    shutil.rmtree(folder)
    user.read()


# How many megabytes the proxy may need for data of any size. In memory, the local layer of 64 MiB holds as much, and as much
# again while more is being written; and Go lets garbage grow to the size of what is in use.
MEMORY = {"file": 50, "near off": 50, "near memory": 4 * 67}


@pytest.mark.parametrize("place", MEMORY)
def test_A33_large_data(dash_app, proxy, server, place):
    """Of a Store of 5, 50 and 200 MB, less than 1 KB passes between browser and proxy each way, and the proxy's memory is
    bounded, by what the local layer before Redis takes, if it is in memory."""
    storage = "storage file" if place == "file" else server(Redis).storage("near off" if place == "near off" else "")
    caddy = proxy(dash_app("numbered.py", env={"STORES": "1"}), storage)
    user = User(caddy.url, stores=1)
    user.fill(10_000)
    user.read()
    before = peak_memory(caddy.process.pid)
    for size in (5_000_000, 50_000_000, 200_000_000):
        filled = user.fill(size)
        read = user.call()
        assert f"{size} bytes" in read.text
        assert user.tokens == 1
        assert len(filled.content) < 1000 and len(read.request.body) < 1000
        assert peak_memory(caddy.process.pid) - before < MEMORY[place] * 1_000_000


def peak_memory(pid):
    """The most bytes of memory that the process has ever had."""
    with open(f"/proc/{pid}/status") as status:
        [line] = [line for line in status if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024
