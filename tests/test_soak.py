"""Many users for a long time: SOAK_SECONDS of it, a minute by default; `make soak` takes ten. All at once, since users who
think leave room for others."""

import os
import random
import re
import time
from collections import Counter
from functools import partial
from pathlib import Path

import pytest
import requests

from harness.caddy import block, short_lived, site, stash, temporary
from harness.process import free_port, wait_until
from harness.user import User, together
from harness.wire import Client, figures

SECONDS = float(os.environ.get("SOAK_SECONDS", "60"))
THINKING = 0.5, 1.5  # seconds between what a user does
READERS = 8


class Clicker(User):
    """A user who reads what six Stores, or two, still hold, fills them, and reads them."""

    def turn(self):
        if self.clicks:
            self.read()
        self.fill(2000)
        self.read()


class Refresher:
    """A user of fan_out.py, each of whose refreshes is read by eight callbacks at once. The word is not needed."""

    def __init__(self, url, word):
        self.clients = [Client(url) for _ in range(READERS)]
        self.clients[0].open()
        self.version = 0
        self.count = Counter()

    def turn(self):
        self.version += 1
        [self.data] = self.clients[0].outputs(["data.data"], {"refresh.n_clicks": self.version}).values()
        together(self._read, range(READERS))

    def _read(self, part):
        response = self.clients[part].call([f"part-{part}.children"], {"data.data": self.data})
        total = sum(self.version * 1000 + n for n in range(part, 4000, READERS))
        assert response.status_code == 200, response.text
        assert response.json()["response"][f"part-{part}"]["children"] == f"version {self.version}, sum {total}"
        self.count.update(figures(response.headers))

    def close(self):
        for client in self.clients:
            client.session.close()


@pytest.mark.timeout(SECONDS + 120)
def test_A27_A32_A37_A40_soak(dash_app, caddy, tmp_path):
    """Ten users of six Stores with room for sixty entries, five of two with room for ten, fifty of six with room for 300, and
    two whose refreshes are read by eight callbacks: no miss, no error, nothing wrong, and in the end Caddy is as it was."""
    six, two = (dash_app("numbered.py", env={"STORES": stores}).port for stores in ("6", "2"))
    kinds = {  # the app's port, the storage, how many users, and what makes one
        "A27": (six, block(f"storage file {tmp_path / 'A27'}", "max_entries 60"), 10, Clicker),
        "A37": (two, block(f"storage file {tmp_path / 'A37'}", "max_entries 10"), 5, partial(Clicker, stores=2)),
        "A40": (six, block("storage memory", "max_entries 300"), 50, Clicker),
        "A32": (dash_app("fan_out.py").port, block(f"storage file {tmp_path / 'A32'}", "max_size 500KB"), 2, Refresher),
    }
    ports = {name: free_port() for name in kinds}
    sites = [site(ports[name], short_lived(app), stash(storage)) for name, (app, storage, *_) in kinds.items()]
    running = caddy("".join(sites), ports["A27"])

    def users():
        return [make(f"http://127.0.0.1:{ports[name]}/", f"{name}-{n}")
                for name, (_, _, count, make) in kinds.items() for n in range(count)]

    soak(users(), 0)
    time.sleep(3)  # until the connections to the apps are closed
    before = held(running)
    done = soak(users(), SECONDS)
    print(f"\n{done['stored']} stored, {done['restored']} restored, {done['missed']} missed; "
          f"before {before}, then {held(running)}")
    assert done["restored"] > 0 and done["missed"] == 0
    wait_until(lambda: not leaks(before, held(running)), "Caddy to be as it was")
    assert not any(map(temporary, tmp_path.glob("A??")))


def soak(users, seconds):
    """Has the users take turns for so long, at least one each, and returns their counts."""
    deadline = time.monotonic() + seconds

    def work(user):
        user.turn()
        while time.monotonic() < deadline:
            time.sleep(random.uniform(*THINKING))
            user.turn()

    try:
        together(work, users)
    finally:
        for user in users:
            user.close()
    return sum((user.count for user in users), Counter())


def held(caddy):
    """What the Caddy's process has: file descriptors, goroutines, and megabytes of memory."""
    process = Path("/proc") / str(caddy.process.pid)
    goroutines = requests.get(f"http://127.0.0.1:{caddy.admin_port}/debug/pprof/goroutine?debug=1", timeout=10).text
    return {"descriptors": len(list((process / "fd").iterdir())),
            "goroutines": int(re.match(r"goroutine profile: total (\d+)", goroutines)[1]),
            "megabytes": int(re.search(r"VmRSS:\s+(\d+)", (process / "status").read_text())[1]) // 1024}


def leaks(before, now):
    """What there is more of than chance explains."""
    chance = {"descriptors": 5, "goroutines": 10, "megabytes": 50}
    return [name for name in now if now[name] > before[name] + chance[name]]
