"""Child processes that never outlive their owner, and waiting for conditions."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

LOG_TAIL = 60  # lines

# Each of pytest-xdist's workers has ports of its own: between the choice of a port and its use pass seconds. None is above
# 32767, where the system gives ports to whoever connects (Linux's ip_local_port_range), and Chromium refuses 10080.
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_PORTS = [port for port in range(10_000 + _WORKER, 32_000, _WORKERS) if port != 10_080]
_given: set[int] = set()


def free_port() -> int:
    """A loopback TCP port that was free a moment ago, and that nobody in this run of the tests was given before."""
    while True:
        port = random.SystemRandom().choice(_PORTS)
        with socket.socket() as probe:
            if port not in _given and probe.connect_ex(("127.0.0.1", port)) != 0:
                _given.add(port)
                return port


def listens(port: int) -> bool:
    """Whether something accepts connections on the loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(condition: Callable[[], bool], what: str, timeout: float = 30) -> None:
    """Polls until the condition holds; TimeoutError naming `what` otherwise. The condition may raise to give up."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout:g} s for {what}")
        time.sleep(0.02)


class Process:
    """A command in its own process group, its output (stdout and stderr) in one log file.

    stop() ends the whole group, at first politely; it may be called twice, and after the process has died by itself.
    """

    def __init__(self, name: str, command: Sequence[str | Path], log: Path, env: Mapping[str, str] | None = None,
                 cwd: Path | None = None):
        self.name = name
        self.log_file = log
        self._stopped = False
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})}, cwd=cwd, start_new_session=True)

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def alive(self) -> bool:
        return self._child.poll() is None

    @property
    def died(self) -> bool:
        """Whether it ended without having been stopped."""
        return not self.alive and not self._stopped

    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def log_tail(self) -> str:
        return "\n".join(self.log().splitlines()[-LOG_TAIL:])

    def wait_ready(self, ready: Callable[[], bool], timeout: float = 60) -> None:
        """Waits until ready(); if the process dies or takes too long, stops it and raises with the end of its log."""

        def ready_or_dead() -> bool:
            if not self.alive:
                raise RuntimeError(f"{self.name} ended with status {self._child.returncode}")
            return ready()

        try:
            wait_until(ready_or_dead, f"{self.name} to be ready", timeout)
        except (RuntimeError, TimeoutError) as err:
            self.stop()
            raise RuntimeError(f"{err}; its log ends:\n{self.log_tail()}") from None

    def stop(self, patience: float = 10) -> None:
        """Asks the group to end, and kills whatever of it is left when it has ended or patience (seconds) has run out."""
        if self.alive:
            self._stopped = True
            self._signal(signal.SIGTERM)
            try:
                self._child.wait(patience)
            except subprocess.TimeoutExpired:
                pass
        self._signal(signal.SIGKILL)
        self._child.wait()

    def kill(self) -> None:
        """Ends the group at once, as a crash would."""
        self._stopped = self._stopped or self.alive
        self._signal(signal.SIGKILL)
        self._child.wait()

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self._child.pid, number)
        except ProcessLookupError:
            pass  # nothing of the group is left
