"""A Dash app in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from .process import Process, free_port

TESTS = Path(__file__).parents[1]
CALLBACKS = "_dash-update-component"
SOCKET = "_dash-ws-callback"


@dataclass(frozen=True)
class Received:
    """One POST, or one message of a WebSocket, as it reached the app."""

    path: str
    query: str
    length: int
    token: bool
    body: str | None = None

    def json(self) -> Any:
        return json.loads(self.body)


class App:
    """Starts the app file (a name in tests/apps, or a path) on a free port and waits until its layout answers.

    `prefix` is the app's requests_pathname_prefix. `bodies` keeps the request bodies for received(). `python` names
    another environment's Python, for another version of Dash. `server` is one of those in harness.serve.
    """

    def __init__(self, file: str | Path, folder: Path, *, env: Mapping[str, str] | None = None, prefix: str = "/",
                 bodies: bool = False, python: str | Path = sys.executable, port: int | None = None,
                 server: str = "waitress"):
        self.file = (TESTS / "apps" / file).resolve()
        self.port = port or free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self.url = self.origin + prefix
        self._requests = folder / f"{self.file.stem}-{self.port}.requests.jsonl"
        self.name = f"app {self.file.name}"
        self._process_args = dict(
            name=self.name,
            command=[python, "-m", "harness.serve", self.file, str(self.port), "--log", self._requests,
                     "--server", server, *(["--bodies"] if bodies else [])],
            log=folder / f"{self.file.stem}-{self.port}.log",
            env={"PYTHONPATH": str(TESTS), "PYTHONDONTWRITEBYTECODE": "1", **(env or {})},
            cwd=folder)
        self.start()

    def start(self) -> None:
        """Starts the app, again after a stop() on the same port."""
        self.process = Process(**self._process_args)
        self.process.wait_ready(self._answers)

    def stop(self) -> None:
        self.process.stop()

    def received(self, path: str = CALLBACKS) -> list[Received]:
        """What came to paths ending so, oldest first."""
        if not self._requests.exists():
            return []
        lines = self._requests.read_text(encoding="utf-8").splitlines()
        entries = (Received(**json.loads(line)) for line in lines if line.endswith("}"))  # an app may be killed while it writes
        return [entry for entry in entries if entry.path.endswith(path)]

    def forget(self) -> None:
        """Starts the record of what the app received anew."""
        self._requests.write_text("")

    def complaints(self) -> list[str]:
        """What must never happen, and did: a token that reached the app, an app that died."""
        found = [f"a Dashstash token reached {self.name}: {entry.path}, {entry.length} bytes"
                 for path in (CALLBACKS, SOCKET) for entry in self.received(path) if entry.token]
        if self.process.died:
            found.append(f"{self.name} died")
        return found

    def evidence(self, folder: Path) -> str:
        """The end of its log, and where each of its threads is."""
        tail, length = self.process.log_tail(), len(self.process.log())
        if self.process.alive:
            os.kill(self.process.pid, signal.SIGUSR1)  # harness.serve has Python log its threads then
            time.sleep(0.5)
        return f"{tail}\n{self.process.log()[length:]}"

    def _answers(self) -> bool:
        try:
            return requests.get(self.url + "_dash-layout", timeout=10).status_code < 500
        except requests.ConnectionError:
            return False
