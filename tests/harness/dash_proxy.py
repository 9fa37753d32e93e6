"""`caddy dash-proxy` in a process of its own, and a terminal for it."""

from __future__ import annotations

import fcntl
import os
import pty
import subprocess
import termios
import threading
from pathlib import Path

from .caddy import binary
from .process import Process, free_port, listens


class DashProxy:
    """The command for a free port, in front of what listens on `ports`, with data and admin port of its own in `folder`; start() runs
    it, unless a Terminal does."""

    name = "dash-proxy"

    def __init__(self, folder: Path, ports: list[int], *options: str, admin_port: int | None = None):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.admin_port = admin_port or free_port()
        self.env = {"XDG_DATA_HOME": str(folder / "data"), "XDG_CONFIG_HOME": str(folder / "config"), "HOME": str(folder),
                    "CADDY_ADMIN": f"localhost:{self.admin_port}"}
        self.command = [str(binary()), "dash-proxy", "--from", f":{self.port}",
                        *(part for port in ports for part in ("--to", f"127.0.0.1:{port}")), *options]
        self._folder = folder

    def start(self) -> DashProxy:
        self.process = Process(self.name, self.command, self._folder / f"dash-proxy-{self.port}.log", self.env, self._folder)
        self.process.wait_ready(lambda: listens(self.port) and "watch it" in self.said)
        return self

    @property
    def said(self) -> str:
        return self.process.log()

    @property
    def data(self) -> Path:
        return Path(self.env["XDG_DATA_HOME"]) / "caddy" / "dash_stash"

    def stop(self) -> None:
        self.process.stop()

    def complaints(self) -> list[str]:
        return ["dash-proxy died"] if self.process.died else []

    def evidence(self, folder: Path) -> str:
        return self.process.log_tail()


class Terminal:
    """Runs a command in a terminal of 80 columns, and shows what is on it."""

    def __init__(self, command: list[str], env: dict[str, str]):
        self._master, slave = pty.openpty()
        os.set_inheritable(slave, True)
        self._child = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env={**os.environ, **env},
                                       start_new_session=True, preexec_fn=lambda: _take_terminal(slave))
        os.close(slave)
        self._written = b""
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    @property
    def written(self) -> str:
        return self._written.decode(errors="replace")

    @property
    def shown(self) -> list[str]:
        """The lines as they stand, after what was written over."""
        return [line.rpartition("\r\x1b[K")[2] for line in self.written.replace("\r\n", "\n").split("\n")]

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def wait(self, timeout: float = 20) -> int:
        """Waits until the command has ended, and returns its status."""
        status = self._child.wait(timeout)
        self._thread.join(timeout)
        return status

    def close(self) -> None:
        if self._child.poll() is None:
            self._child.kill()
        self._child.wait()
        self._thread.join(10)
        os.close(self._master)

    def _read(self) -> None:
        while True:
            try:
                self._written += os.read(self._master, 65536)
            except OSError:
                return  # the command has ended


def _take_terminal(slave: int) -> None:
    """Makes it the terminal that controls the process, so that Ctrl-C is a signal."""
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    termios.tcsetwinsize(slave, (24, 80))
