"""Serves one unmodified Dash app on FastAPI or Quart under uvicorn: python -m harness.asgi APP PORT --log FILE [--bodies].

As harness.serve does for WSGI: each POST that reaches the app, and each message of a WebSocket, is written to the log.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import uvicorn

from .app import App, Received
from .serve import TOKEN, load

SOCKET = "_dash-ws-callback"


class AsgiApp(App):
    """An App on the ASGI server of a Dash backend, "fastapi" or "quart", which its file finds in DASH_BACKEND."""

    def __init__(self, file: str, folder: Path, backend: str, env: dict[str, str]):
        super().__init__(file, folder, env={"DASH_BACKEND": backend, **env}, bodies=True)

    def start(self) -> None:
        command = self._process_args["command"]
        self._process_args["command"] = ["harness.asgi" if part == "harness.serve" else part for part in command]
        super().start()

    def messages(self) -> list[Received]:
        """The messages of its WebSockets."""
        return self.received(SOCKET)

    def complaints(self) -> list[str]:
        tokens = [f"a Dashstash token reached {self.name} by WebSocket, {message.length} bytes"
                  for message in self.messages() if message.token]
        return super().complaints() + tokens


class Recorder:
    """ASGI middleware that logs what the app receives and hands it on unchanged."""

    def __init__(self, asgi, log: Path, bodies: bool):
        self._asgi = asgi
        self._log = log.open("a", encoding="utf-8")
        self._bodies = bodies

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            return await self._asgi(scope, receive, send)
        body = b""

        async def recording():
            nonlocal body
            message = await receive()
            if message["type"] == "websocket.receive":
                self._write(scope, (message.get("text") or "").encode() or message.get("bytes") or b"")
            elif message["type"] == "http.request" and scope["method"] == "POST":
                body += message.get("body", b"")
                if not message.get("more_body"):
                    self._write(scope, body)
            return message

        return await self._asgi(scope, recording, send)

    def _write(self, scope, body: bytes) -> None:
        entry = {"path": scope["path"], "query": scope["query_string"].decode(), "length": len(body),
                 "token": bool(TOKEN.search(body))}
        if self._bodies:
            entry["body"] = body.decode("utf-8", "replace")
        self._log.write(json.dumps(entry) + "\n")
        self._log.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("app", type=Path)
    parser.add_argument("port", type=int)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--bodies", action="store_true")
    args = parser.parse_args()
    server = Recorder(load(args.app.resolve()), args.log, args.bodies)
    uvicorn.run(server, host="127.0.0.1", port=args.port, log_level="warning")


if __name__ == "__main__":
    main()
