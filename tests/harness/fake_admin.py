"""Caddy's admin endpoint with the live page, and a made-up Status: for states that a real Caddy takes long to get into."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from .caddy import REPO
from .process import free_port

POLICY = ("default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; "
          "form-action 'none'; frame-ancestors 'none'")
TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
BEGAN = datetime.now(UTC)


def stamp(moment: datetime | None = None) -> str:
    return (moment or datetime.now(UTC)).isoformat().replace("+00:00", "Z")


def figures(**some: Any) -> dict[str, Any]:
    """Figures, all zero but those that are named."""
    zero = {"callbacks": 0, "up": {"with": 0, "without": 0}, "down": {"with": 0, "without": 0}, "saved": {"up": 0, "down": 0},
            "offloaded": {"values": 0, "bytes": 0}, "restored": {"values": 0, "bytes": 0}, "missed": {}, "inline": {},
            "seconds": {"callbacks": 0, "total": 0.0, "own": 0.0}}
    return {**zero, **some}


def store(name: str, reason: str = "offloaded", **more: Any) -> dict[str, Any]:
    decision = "offloaded" if reason == "offloaded" else "inline"
    return {"id": name, "storage_type": "memory", "decision": decision, "reason": reason, "explanation": f"Said of {name}.",
            "last_bytes": 0, "last_used": stamp(), "figures": figures(), **more}


def app(*stores: dict, name: str = "localhost:8080/", mode: str = "live", **more: Any) -> dict[str, Any]:
    return {"app": name, "namespace": "", "mode": mode, "last_used": stamp(), "figures": figures(), "stores": [*stores], **more}


def storage(**more: Any) -> dict[str, Any]:
    return {"storage": "file", "place": "/var/lib/caddy/dash_stash", "entries": 3, "bytes": 412_600_000, "max_bytes": 1 << 30,
            "max_entries": 0, "evicted": 0, "expired": 0, "available": True, **more}


def status(*apps: dict, **more: Any) -> dict[str, Any]:
    return {"since": stamp(BEGAN), "live": figures(), "dry_run": figures(), "apps": [*apps], "storages": [storage()], "misses": [], **more}


class FakeAdmin:
    """Serves the page's files under /dash_stash/ and sends `status` every `pause` seconds, with the time as `now`.

    `purged` has the bodies of purges, each answered with `purge_answer`. As Caddy does, it turns away a browser's request that does
    not come from the page, or in the mode no-cors.
    """

    name = "fake admin"

    def __init__(self, made_up: dict[str, Any], pause: float = 0.2):
        self.status = made_up
        self.pause = pause
        self.silent = False  # connections stay, and nothing comes
        self.similar: list[str] = []
        self.purged: list[Any] = []
        self.purge_answer: tuple[int, Any] = (200, {"entries": 0, "bytes": 0, "storages": []})
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/dash_stash/"
        self.start()

    def start(self) -> None:
        self._running = True
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), type("Bound", (Handler,), {"admin": self}))
        self._server.daemon_threads = True
        self._server.block_on_close = False
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Ends all connections, as the end of Caddy does."""
        if self._running:
            self._running = False
            self._server.shutdown()
            self._server.server_close()

    @property
    def running(self) -> bool:
        return self._running

    def complaints(self) -> list[str]:
        return []

    def evidence(self, folder: Path) -> str:
        return json.dumps(self.status)[:2000]


class Handler(BaseHTTPRequestHandler):
    admin: FakeAdmin

    def do_GET(self) -> None:
        if self._turned_away():
            return
        url = urlsplit(self.path)
        name = url.path.removeprefix("/dash_stash/")
        if name == "events":
            self._events()
        elif name == "status":
            self._answer(200, self._now())
        elif name == "store":
            found = [{**each, "app": of["app"], "namespace": of["namespace"], "mode": of["mode"]} for of in self.admin.status["apps"]
                     for each in of["stores"] if each["id"] in parse_qs(url.query)["id"]]
            self._answer(200, {"stores": found, "similar": self.admin.similar})
        else:
            self._file(REPO / "caddymodule" / "page" / (name or "index.html"))

    def do_POST(self) -> None:
        if self._turned_away():
            return
        assert self.path == "/dash_stash/purge" and self.headers["Content-Type"] == "application/json"
        self.admin.purged.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self._answer(*self.admin.purge_answer)

    def _turned_away(self) -> bool:
        mode = self.headers["Sec-Fetch-Mode"]
        from_here = (self.headers["Origin"] or self.headers["Referer"] or "").startswith(f"http://127.0.0.1:{self.admin.port}")
        if mode == "no-cors":
            self._answer(400, {"error": "Disabling same-origin restrictions is not allowed."})
        elif mode and not from_here:
            self._answer(403, {"error": "client is not allowed to access from origin ''"})
        else:
            return False
        return True

    def _now(self) -> dict[str, Any]:
        return {**self.admin.status, "now": stamp()}

    def _answer(self, code: int, body: Any) -> None:
        self._head("application/json", code)
        self.wfile.write(json.dumps(body).encode())

    def _file(self, file: Path) -> None:
        if not file.is_file():
            self._answer(404, {"error": HTTPStatus.NOT_FOUND.phrase})
            return
        self._head(TYPES[file.suffix])
        self.wfile.write(file.read_bytes())

    def _events(self) -> None:
        self._head("text/event-stream")
        try:
            while self.admin.running:
                if not self.admin.silent:
                    self.wfile.write(f"data: {json.dumps(self._now())}\n\n".encode())
                time.sleep(self.admin.pause)
        except OSError:
            pass  # the page is closed

    def _head(self, kind: str, code: int = 200) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass
