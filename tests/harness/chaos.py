"""Has things go wrong at random."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from .faults import Fault, NotNow

PAUSE = 0.3, 1.2  # seconds between two faults


class Chaos:
    """Strikes with faults. The seed says with which, for how long, and in what order; `count` tells how often with each.

    Names of faults are equally likely, whatever the number of parts that bear them.
    """

    def __init__(self, faults: Sequence[Fault], seed: int):
        self.count: Counter[str] = Counter({fault.name: 0 for fault in faults})
        self._chance = random.Random(seed)
        self._named: dict[str, list[Fault]] = {}
        for fault in faults:
            self._named.setdefault(fault.name, []).append(fault)
        self._parts = {fault.part: threading.Lock() for fault in faults}

    def rage(self, seconds: float, ended: threading.Event) -> None:
        """Strikes for so long, or until something has ended, and returns when all is put right."""
        deadline = time.monotonic() + seconds
        done: list[Future[None]] = []
        with ThreadPoolExecutor(len(self._parts)) as pool:
            while time.monotonic() < deadline and not any(each.done() and each.exception() for each in done):
                fault = self._chance.choice(self._chance.choice(list(self._named.values())))
                lasts, own = self._chance.uniform(*fault.lasts), random.Random(self._chance.random())
                if self._parts[fault.part].acquire(blocking=False):
                    done.append(pool.submit(self._happen, fault, lasts, own))
                if ended.wait(self._chance.uniform(*PAUSE)):
                    break
        for each in done:
            each.result()

    def _happen(self, fault: Fault, lasts: float, chance: random.Random) -> None:
        try:
            fault.strike(chance)
            self.count[fault.name] += 1
            try:
                time.sleep(lasts)
            finally:
                fault.undo()
        except NotNow:
            pass
        finally:
            self._parts[fault.part].release()
