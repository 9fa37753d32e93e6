"""A Caddy of our own build in a process of its own, and the Caddyfiles for it."""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
import subprocess
import textwrap
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import requests

from .process import Process, free_port

REPO = Path(__file__).parents[2]


def binary() -> Path:
    """The Caddy under test: ./caddy of the repository, or what DASHSTASH_CADDY names."""
    path = Path(os.environ.get("DASHSTASH_CADDY", REPO / "caddy"))
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: run make build")
    return path


def stash(options: str = "", matcher: str = "") -> str:
    """A dash_stash directive with these options, one a line."""
    return block(f"dash_stash {matcher}", options)


def block(head: str, *lines: str) -> str:
    """A directive with what stands in its block, if anything."""
    inside = indent("\n".join(textwrap.dedent(line) for line in lines))
    return f"{head.rstrip()} {{\n{inside}\n}}" if inside.strip() else head.rstrip()


def site(port: int, upstream: str, directives: str = "", after: str = "") -> str:
    """A site on a loopback port: the directives, reverse_proxy to the upstream (or several, with blanks), the rest."""
    body = "\n".join(part for part in (textwrap.dedent(directives), f"reverse_proxy {upstream}",
                                       textwrap.dedent(after)) if part.strip())
    return f"http://127.0.0.1:{port} {{\n{indent(body)}\n}}\n"


def named(address: str) -> str:
    """A global option that gives the server at an address a name: sites of replicas, which have ports of their own here, are one by it."""
    return block(f"servers {address}", "name replica")


def short_lived(*ports: int) -> str:
    """The app on a port, or on several, as upstream. Any Caddy leaves the idle connections of each configuration open for two minutes, and at a
    hundred waitress takes no more: they are to last a second."""
    return block(" ".join(f"127.0.0.1:{port}" for port in ports), block("transport http", "keepalive 1s"))


def indent(text: str) -> str:
    return textwrap.indent(textwrap.dedent(text).strip("\n"), "\t")


def payloads(folder: Path) -> list[Path]:
    """The payloads in a folder of `storage file`: not what is saved there of apps, which begins with its version, a byte below any of JSON."""
    return sorted(file for file in folder.rglob("*.payload") if file.read_bytes()[:1] >= b" ")


def temporary(folder: Path) -> dict[Path, int]:
    """The files in a folder of `storage file` that are being written, and their sizes."""
    sizes = {}
    for file in (folder / "tmp").rglob("*.tmp"):
        with suppress(FileNotFoundError):  # written by now
            sizes[file] = file.stat().st_size
    return sizes


def set_back(files: Iterable[Path], minutes: float) -> None:
    """Makes it so long ago that the payloads in these files were last used. Caddy, which must not be running, believes it."""
    for file in files:
        os.utime(file, (time.time() - 60 * minutes,) * 2)


def has_certificate(port: str) -> bool:
    """Whether a TLS handshake with localhost succeeds on the port."""
    try:
        with socket.create_connection(("localhost", int(port)), timeout=10) as connection:
            ssl._create_unverified_context().wrap_socket(connection, server_hostname="localhost").close()
            return True
    except OSError:
        return False


class Caddy:
    """Runs Caddy on the sites of a Caddyfile, with data, configuration and admin port of its own in `folder`.

    `port` is the one that `url` tells. `global_options` go to the Caddyfile's first block.
    A restart keeps the folder, and with it what `storage file` holds; two Caddys in one folder are replicas if their servers are `named`.
    """

    name = "caddy"

    def __init__(self, sites: str, port: int, folder: Path, *, global_options: str = ""):
        self.url = f"http://127.0.0.1:{port}/"
        self.folder = folder
        self.admin_port = free_port()
        self._global_options = global_options
        self._caddyfile = folder / f"Caddyfile-{self.admin_port}"
        self._log_file = folder / f"caddy-{self.admin_port}.log"
        self._env = {"XDG_DATA_HOME": str(folder / "data"), "XDG_CONFIG_HOME": str(folder / "config"),
                     "HOME": str(folder)}
        self._allowed: list[str] = []
        self._write(sites)
        self.start()

    @property
    def data(self) -> Path:
        """Caddy's data directory."""
        return self.folder / "data" / "caddy"

    def start(self) -> None:
        self.process = Process("caddy", [binary(), "run", "--config", self._caddyfile, "--adapter", "caddyfile"],
                               self._log_file, self._env, self.folder)
        self.process.wait_ready(self._serves)

    def stop(self) -> None:
        self.process.stop()

    def restart(self) -> None:
        self.stop()
        self.start()

    def reload(self, sites: str | None = None) -> None:
        """Loads these sites (or the same ones again) without a restart; RuntimeError with Caddy's words if it refuses."""
        if sites is not None:
            self._write(sites)
        self.command("reload", "--force", "--config", str(self._caddyfile), "--adapter", "caddyfile",
                     "--address", f"127.0.0.1:{self.admin_port}")

    def command(self, *args: str) -> str:
        """Runs ./caddy with these arguments in this Caddy's environment and returns its output."""
        done = subprocess.run([binary(), *args], env={**os.environ, **self._env}, cwd=self.folder, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        if done.returncode != 0:
            raise RuntimeError(f"caddy {args[0]} ended with status {done.returncode}:\n{done.stdout}")
        return done.stdout

    def logs(self, level: str = "", message: str = "") -> list[dict[str, Any]]:
        """The JSON log's entries of a level (debug, info, warn, error) whose message the regular expression finds."""
        entries = (json.loads(line) for line in self.process.log().rpartition("\n")[0].splitlines() if line.startswith("{"))
        return [entry for entry in entries
                if level in ("", entry["level"]) and re.search(message, entry.get("msg", ""))]

    def opened(self, folder: Path) -> list[str]:
        """The files below a folder that this Caddy has open, also those that have lost their names."""
        files = []
        for link in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed by now
                files.append(os.readlink(link))
        return [file for file in files if file.startswith(f"{folder}/")]

    def allow(self, pattern: str) -> None:
        """Log lines that the regular expression finds are no complaint."""
        self._allowed.append(pattern)

    def complaints(self) -> list[str]:
        """Log lines that no healthy Caddy writes: errors, panics, data races, and its death."""
        found = ["caddy died"] if self.process.died else []
        for line in self.process.log().splitlines():
            bad = ('"level":"error"' in line or '"level":"panic"' in line or '"level":"fatal"' in line
                   or line.startswith(("panic:", "fatal error:", "WARNING: DATA RACE")))
            if bad and not any(re.search(pattern, line) for pattern in self._allowed):
                found.append(f"caddy logged: {line}")
        return found

    def evidence(self, folder: Path) -> str:
        return f"{self._caddyfile.read_text()}\n{self.process.log_tail()}"

    def _serves(self) -> bool:
        """Whether the configuration is running: until then the admin endpoint says null, or nothing. Caddy makes the
        certificates of sites with TLS after that."""
        try:
            running = requests.get(f"http://127.0.0.1:{self.admin_port}/config/", timeout=10).json() is not None
        except requests.ConnectionError:
            return False
        return running and all(map(has_certificate, re.findall(r"https://localhost:(\d+)", self._caddyfile.read_text())))

    def _write(self, sites: str) -> None:
        options = f"admin 127.0.0.1:{self.admin_port}\npersist_config off\n" + textwrap.dedent(self._global_options)
        self._caddyfile.write_text(f"{{\n{indent(options)}\n}}\n\n{sites}")
