"""The servers that data can be kept on: Redis, alone, as a Cluster and with Sentinels, and memcached; each on free loopback
ports, in a folder, and all in memory. `storage` is what a dash_stash block says of one."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .caddy import block
from .process import Process, free_port, listens, wait_until


DOWN, UP = "storage is unavailable", "storage is available again"  # what Caddy logs


class Place:
    """What a dash_stash block can name as its storage: the directive of its `kind`, `address`, and `lines` in its block."""

    kind = "redis"
    address = ""
    lines: tuple[str, ...] = ()

    def storage(self, *lines: str) -> str:
        """The directive, with further lines in its block."""
        return block(f"storage {self.kind} {self.address}", *self.lines, *lines)


class Server(Place):
    """One process that listens on `port`, once it is started."""

    name = "server"

    def __init__(self, folder: Path):
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.folder = folder / f"{self.name}-{self.port}"
        self.folder.mkdir()
        self.process: Process | None = None

    def command(self) -> Sequence[str | Path]:
        raise NotImplementedError

    def start(self) -> None:
        """Starts it, again after a stop() or a kill()."""
        self.process = Process(self.name, self.command(), self.folder / "log", cwd=self.folder)
        self.process.wait_ready(self._ready)

    def stop(self) -> None:
        if self.process:
            self.process.stop()

    def kill(self) -> None:
        """Ends it as a crash would."""
        if self.process:
            self.process.kill()

    def complaints(self) -> list[str]:
        return [f"{self.name} died"] if self.process and self.process.died else []

    def evidence(self, folder: Path) -> str:
        return self.process.log_tail() if self.process else "not started"

    def _ready(self) -> bool:
        return listens(self.port)


class Redis(Server):
    """Redis with further options of its command line. It forgets all with its process, unless they say otherwise."""

    name = "redis"

    def __init__(self, folder: Path, *options: str, password: str = ""):
        self._options = [*options, *(["--requirepass", password, "--masterauth", password] if password else [])]
        self._client = ["-a", password, "--no-auth-warning"] if password else []
        self.lines = (f'password "{password}"',) if password else ()
        super().__init__(folder)

    @property
    def url(self) -> str:
        """Its address as Celery names it."""
        return f"redis://{self.address}/0"

    def command(self) -> Sequence[str | Path]:
        return ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                *self._options]

    def forget(self) -> None:
        """Drops all that it holds."""
        self.cli("flushall")

    def cli(self, *command: str) -> str:
        """Redis's answer to a command."""
        done = subprocess.run(["redis-cli", "-p", str(self.port), *self._client, *command], text=True, timeout=60,
                              stdout=subprocess.PIPE, check=True)
        return done.stdout.strip()

    def _ready(self) -> bool:
        return super()._ready() and self.cli("ping") == "PONG"


class TlsRedis(Redis):
    """Redis that takes TLS alone, with a certificate of its own making."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        self._certificate, self._key = self.folder / "certificate.pem", self.folder / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=redis",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-out", self._certificate, "-keyout", self._key],
                       check=True, capture_output=True)
        self._client = ["--tls", "--cacert", str(self._certificate)]
        self.lines = (block("tls", f"ca {self._certificate}"),)

    def command(self) -> Sequence[str | Path]:
        return [*super().command(), "--port", "0", "--tls-port", str(self.port), "--tls-cert-file", self._certificate,
                "--tls-key-file", self._key, "--tls-auth-clients", "no"]


class Sentinel(Redis):
    """A Sentinel of the master called `main`, which `quorum` of them must find down."""

    name = "sentinel"

    def __init__(self, folder: Path, master: Redis, quorum: int):
        self._lines = [f"sentinel monitor main 127.0.0.1 {master.port} {quorum}", "sentinel down-after-milliseconds main 500",
                       "sentinel failover-timeout main 5000"]
        super().__init__(folder)

    def command(self) -> Sequence[str | Path]:
        config = self.folder / "sentinel.conf"  # which it keeps its state in
        config.write_text("\n".join([f"port {self.port}", "bind 127.0.0.1", *self._lines, ""]))
        return ["redis-sentinel", config]


class Memcached(Server):
    """memcached with further options of its command line."""

    name = kind = "memcached"

    def __init__(self, folder: Path, *options: str):
        self._options = options
        super().__init__(folder)

    def stop(self) -> None:
        self.kill()  # it has nothing to save, and takes a second to find that out

    def forget(self) -> None:
        """Drops all that it holds."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(b"flush_all\r\n")
            assert connection.recv(100) == b"OK\r\n"

    def command(self) -> Sequence[str | Path]:
        return ["memcached", "-l", "127.0.0.1", "-p", str(self.port), "-u", "nobody", *self._options]


class Group(Place):
    """Several servers that make one place together. `address` names them all, with blanks."""

    def __init__(self, *servers: Server):
        self.servers = servers
        self.name = " and ".join(sorted({server.name for server in servers}))

    @property
    def address(self) -> str:
        return " ".join(server.address for server in self.servers)

    def start(self) -> None:
        for server in self.servers:
            server.start()

    def stop(self) -> None:
        for server in reversed(self.servers):
            server.stop()

    def complaints(self) -> list[str]:
        return [complaint for server in self.servers for complaint in server.complaints()]

    def evidence(self, folder: Path) -> str:
        return "\n".join(server.evidence(folder) for server in self.servers)


class Memcacheds(Group):
    """Two memcacheds."""

    kind = "memcached"

    def __init__(self, folder: Path, *options: str):
        super().__init__(Memcached(folder, *options), Memcached(folder, *options))


class Cluster(Group):
    """A Redis Cluster of three masters."""

    lines = ("cluster",)

    def __init__(self, folder: Path):
        super().__init__(*[Redis(folder, "--cluster-enabled", "yes", "--cluster-port", str(free_port())) for _ in range(3)])

    def start(self) -> None:
        super().start()
        self.servers[0].cli("--cluster", "create", *self.address.split(), "--cluster-yes")
        wait_until(lambda: all("cluster_state:ok" in server.cli("cluster", "info") for server in self.servers),
                   "the cluster to be whole")


class Sentinels(Group):
    """A master with a replica, and Sentinels that watch them. `address` names the Sentinels."""

    lines = ("sentinel main",)

    def __init__(self, folder: Path, sentinels: int = 1):
        self.master = Redis(folder, "--repl-diskless-sync-delay", "0")
        self.replica = Redis(folder, "--replicaof", "127.0.0.1", str(self.master.port))
        self.sentinels = [Sentinel(folder, self.master, sentinels // 2 + 1) for _ in range(sentinels)]
        super().__init__(self.master, self.replica, *self.sentinels)

    @property
    def address(self) -> str:
        return " ".join(sentinel.address for sentinel in self.sentinels)

    def start(self) -> None:
        self.master.start()
        self.replica.start()
        wait_until(lambda: "master_link_status:up" in self.replica.cli("info", "replication"), "the replica to be one")
        for sentinel in self.sentinels:
            sentinel.start()
        known = f"slaves=1,sentinels={len(self.sentinels)}"
        wait_until(lambda: all(known in sentinel.cli("info", "sentinel") for sentinel in self.sentinels),
                   "the Sentinels to know the replica and each other")
