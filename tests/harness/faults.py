"""What goes wrong in the world, one class for each kind of it."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from .caddy import Caddy
from .disk import fill_up, remount
from .process import wait_until
from .relay import Relay


class NotNow(Exception):
    """The fault cannot happen at the moment."""


class Fault:
    """One thing that goes wrong with a part: strike() does it, as the random numbers want it, and undo() puts it right, so
    many seconds later as `lasts` has for bounds. With a part, only one thing is wrong at a time.

    What cannot be put right, such as data that is gone, has no undo(): whoever uses it has to get along.
    """

    what = ""
    lasts = (0.0, 0.0)

    def __init__(self, part: Any, name: str):
        self.part = part
        self.name = f"{name} {self.what}"

    def strike(self, chance: random.Random) -> None:
        raise NotImplementedError

    def undo(self) -> None:
        pass


class Kill(Fault):
    """Ends a process (an App, a Caddy or a Server) as a crash does, and starts it again, as often as it takes."""

    what = "killed"
    lasts = (0.1, 2.0)

    def strike(self, chance):
        assert not self.part.process.died, f"{self.part.name} had died by itself:\n{self.part.process.log_tail()}"
        self.part.process.kill()

    def undo(self):
        for _ in range(20):
            with suppress(RuntimeError):  # such as a Caddy whose disk is read-only
                return self.part.start()
            time.sleep(0.5)
        self.part.start()


class KillWorker(Fault):
    """Ends one of gunicorn's workers; gunicorn starts another."""

    what = "worker killed"

    def strike(self, chance):
        pid = self.part.process.pid
        workers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if not workers:
            raise NotNow
        with suppress(ProcessLookupError):
            os.kill(int(chance.choice(workers)), signal.SIGKILL)


class Freeze(Fault):
    """Stops a process for a while, as a machine does that is out of memory."""

    what = "frozen"
    lasts = (0.3, 3.0)

    def strike(self, chance):
        os.kill(self.part.process.pid, signal.SIGSTOP)

    def undo(self):
        os.kill(self.part.process.pid, signal.SIGCONT)


class Reload(Fault):
    """Loads a Caddy's configuration again, or another of the same sites, as `sites` of the random numbers has it."""

    what = "reloaded"

    def __init__(self, part: Caddy, name: str, sites: Callable[[random.Random], str]):
        super().__init__(part, name)
        self._sites = sites

    def strike(self, chance):
        self.part.reload(self._sites(chance))


class RotateSecret(Reload):
    """Loads sites with another secret, with which older tokens may, or may not, be opened."""

    what = "secret changed"


class Delay(Fault):
    """The network of a Relay is slow."""

    what = "delayed"
    lasts = (0.5, 4.0)
    part: Relay

    def strike(self, chance):
        self.part.delay(chance.uniform(0.005, 0.1))

    def undo(self):
        self.part.delay(0)


class Stall(Fault):
    """The network of a Relay passes nothing on."""

    what = "stalled"
    lasts = (0.3, 4.0)

    def strike(self, chance):
        self.part.stall()

    def undo(self):
        self.part.flow()


class Tear(Fault):
    """The open connections of a Relay end: now, or after so many bytes, which is in the middle of a message."""

    what = "connections torn"

    def strike(self, chance):
        self.part.tear(chance.choice([0, chance.randrange(1, 3000), chance.randrange(3000, 300_000)]), chance.random() < 0.7)


class Forget(Fault):
    """A server is emptied."""

    what = "emptied"

    def strike(self, chance):
        self.part.forget()


class FillDisk(Fault):
    """Somebody else takes all the room on a disk."""

    what = "full"
    lasts = (0.5, 5.0)
    part: Path

    def strike(self, chance):
        fill_up(self.part / "others")

    def undo(self):
        (self.part / "others").unlink()


class ReadOnly(Fault):
    """A disk turns read-only."""

    what = "read-only"
    lasts = (0.5, 3.0)

    def strike(self, chance):
        for _ in range(20):
            with suppress(subprocess.CalledProcessError):  # somebody is writing a file
                return remount(self.part, "ro")
            time.sleep(0.02)
        raise NotNow

    def undo(self):
        remount(self.part, "rw")


class LoseFiles(Fault):
    """Some files of a `storage file`, in the directory `payloads` of the disk, are removed."""

    what = "files removed"

    def strike(self, chance):
        for file in some_files(self.part, chance):
            file.unlink(missing_ok=True)


class DamageFiles(Fault):
    """Some files are damaged: a bit flips, or they are cut short."""

    what = "files damaged"

    def strike(self, chance):
        for file in some_files(self.part, chance):
            with suppress(FileNotFoundError), file.open("r+b") as out:  # it may just have been evicted
                size = out.seek(0, os.SEEK_END)
                place = chance.randrange(size) if size else 0
                if chance.random() < 0.5 or not size:
                    out.truncate(place)
                    continue
                out.seek(place)
                [byte] = out.read(1)
                out.seek(place)
                out.write(bytes([byte ^ 1 << chance.randrange(8)]))


class LoseDirectory(Fault):
    """The directory of the storage is removed."""

    what = "directory removed"

    def strike(self, chance):
        shutil.rmtree(self.part / "payloads", ignore_errors=True)  # new ones are being made there


def some_files(disk: Path, chance: random.Random) -> list[Path]:
    """Some of those that were used last, which pages most likely hold."""
    used: dict[Path, float] = {}
    for file in (disk / "payloads").rglob("*.payload"):
        with suppress(FileNotFoundError):  # it has just been evicted
            used[file] = file.stat().st_mtime
    if not used:
        raise NotNow
    latest = sorted(used, key=used.__getitem__)[-20:]
    return chance.sample(latest, chance.randint(1, max(1, len(latest) // 2)))
