"""Everything goes wrong, at random, under load, for CHAOS_SECONDS: a minute by default; `make chaos` takes half an hour."""

import itertools
import os
import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.caddy import block, named
from harness.chaos import Chaos
from harness.faults import (DamageFiles, Delay, FillDisk, Forget, Freeze, Kill, KillWorker, LoseDirectory, LoseFiles,
                            ReadOnly, Reload, RotateSecret, Stall, Tear)
from harness.hostile import Hostile
from harness.page import Page
from harness.process import free_port, wait_until
from harness.relay import Relay
from harness.servers import Memcached, Redis
from harness.sites import Sites
from harness.user import together

SECONDS = float(os.environ.get("CHAOS_SECONDS", "60"))
SEED = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))
PAGES = {"file": 6, "memory": 4, "redis": 6, "memcached": 4}
THINKING = 0.0, 0.4  # seconds between what a user does
EXPECTED = (
    r'"logger":"http\.log\.error.*"status":50[234]|'  # the app or the storage is away
    r"cannot keep payloads.*read-only file system"    # at a start, which is tried again
)


class World:
    """Two Caddys with sites for each storage, two apps, and networks between: what may go wrong there, and the URLs of the
    sites. Redis has one on either Caddy, each in front of both apps."""

    def __init__(self, dash_app, server, caddy, relay, disk):
        self.apps = [dash_app("chaos.py", server=kind) for kind in ("waitress", "gunicorn")]
        redis = server(Redis, "--maxmemory", "20mb", "--maxmemory-policy", "allkeys-lru")
        memcached = server(Memcached, "-m", "8")
        to_redis, to_memcached, *to_apps = (relay(each.port) for each in (redis, memcached, *self.apps))
        first, second = (network.port for network in to_apps)
        file, memory, replica, other_replica, remote = (free_port() for _ in range(5))
        replicated = "\n".join(["on_missing error", "secret of-both-replicas", block(
            f"storage redis 127.0.0.1:{to_redis.port}", block("near memory", "max_size 1MB"))])
        sites = [
            Sites((file, [first], options("reload", block(f"storage file {disk / 'payloads'}", "max_size 4MB"))),
                  (memory, [second], options("null", block("storage memory", "max_size 3MB"))),
                  (replica, [first, second], replicated)),
            Sites((remote, [first], options("prevent_update", f"storage memcached 127.0.0.1:{to_memcached.port}")),
                  (other_replica, [first, second], replicated)),
        ]
        caddys = [caddy(each.text(), free_port(), global_options=named(f":{port}"))
                  for each, port in zip(sites, (replica, other_replica), strict=True)]
        for each in caddys:
            each.allow(EXPECTED)
        self.urls = {name: [f"http://127.0.0.1:{port}/" for port in ports] for name, ports in {
            "file": [file], "memory": [memory], "redis": [replica, other_replica], "memcached": [remote]}.items()}
        processes = [*[(app, "app") for app in self.apps], *[(each, "Caddy") for each in caddys], (redis, "Redis"),
                     (memcached, "memcached")]
        networks = [*[(network, "network to app") for network in to_apps], (to_redis, "network to Redis"),
                    (to_memcached, "network to memcached")]
        self.faults = [
            *[Kill(*process) for process in processes],
            *[Freeze(part, name) for part, name in processes if part is not self.apps[1]],  # which is several
            KillWorker(self.apps[1], "app's"),
            *[kind(*network) for network in networks for kind in (Delay, Stall, Tear)],
            *[Reload(part, "Caddy", each.tuned) for part, each in zip(caddys, sites, strict=True)],
            *[RotateSecret(part, "Caddy", each.rotated) for part, each in zip(caddys, sites, strict=True)],
            Forget(redis, "Redis"), Forget(memcached, "memcached"),
            *[kind(disk, "disk") for kind in (FillDisk, ReadOnly, LoseFiles, DamageFiles, LoseDirectory)],
        ]


def options(on_missing, storage):
    return f"secret own\non_missing {on_missing}\n{storage}"


@pytest.fixture
def relay():
    """relay(port) -> Relay to that port, running."""
    relays = []

    def start(port):
        relays.append(Relay(port))
        return relays[-1]

    yield start
    for each in relays:
        each.stop()


@pytest.mark.timeout(SECONDS + 300)
def test_chaos(dash_app, server, caddy, relay, new_disk):
    """Twenty pages are at work, and somebody hostile beside them, while each part is killed, frozen, emptied or reloaded, each
    network slow, stalled or torn, and the disk full, read-only or damaged. Each gets what it stored, or is told that it is gone,
    or that it may try again; no token reaches an app, and none that is for one page another; and in the end each page works."""
    print(f"\nCHAOS_SEED={SEED} CHAOS_SECONDS={SECONDS:g}")
    world = World(dash_app, server, caddy, relay, new_disk("8m"))
    chaos = Chaos(world.faults, SEED)
    pages = [Page(f"{name}-{number}", world.urls[name], SEED + number)
             for name, count in PAGES.items() for number in range(count)]
    for page in pages:
        page.open()
    hostile = Hostile(world.urls.values(), pages, SEED)
    ended = threading.Event()
    try:
        with ThreadPoolExecutor(len(pages) + 1) as pool:
            work = [pool.submit(use, each, ended) for each in [*pages, hostile]]
            try:
                chaos.rage(SECONDS, ended)
            finally:
                ended.set()
            for each in work:
                each.result()
        together(lambda page: wait_until(page.works, f"{page.name} to work again", 60), pages)
        assert all(together(Page.works, pages)), "a page works, and then does not"
        assert not any(page.ill for page in pages)
        for name in PAGES:
            assert sum(page.count["restored"] for page in pages if page.name.startswith(name)), f"{name} was never used"
        for one, other in itertools.combinations(pages, 2):
            assert not one.seen & other.seen, f"{one.name} and {other.name} have been sent the same tokens"
        for app in world.apps:
            assert "Traceback" not in app.process.log()
    except Exception as err:
        err.add_note(f"CHAOS_SEED={SEED}")
        raise
    finally:
        for page in pages:
            page.close()
        print(table(chaos.count), table(sum((page.count for page in pages), Counter())), table(hostile.count, "hostile: "), sep="\n\n")


def use(page, ended):
    """Has the user of a page, or the hostile one, do this and that until something has ended, which an error does, too."""
    thinking = random.Random(page.name)
    try:
        while not ended.wait(thinking.uniform(*THINKING)):
            page.turn()
    except BaseException:
        ended.set()
        raise


def table(counts, about=""):
    return "\n".join(f"{count:9,}  {about}{name}" for name, count in sorted(counts.items()))
