"""Records what reaches an app: WSGI and ASGI middleware that logs each POST, and each message of a WebSocket, and hands it on
unchanged. But a POST in gzip, which a Dash to come will read by itself, WSGI apps get decoded.

It runs in the environment of the app, so it needs nothing but Python.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import threading
from pathlib import Path

# {"$dashstash":"<token>"} and {"$dashstash_patches":[["<token>",…],…]}
TOKEN = re.compile(rb'"\$dashstash(?:_patches)?"\s*:[\s\[]*"[A-Za-z0-9_-]{80}"')


class Log:
    """One JSON line for each: path, query, length in bytes, whether a Dashstash token was in it, and, if they are to be kept,
    the body as text."""

    def __init__(self, file: Path, bodies: bool):
        self._file = file.open("a", encoding="utf-8")
        self._bodies = bodies
        self._lock = threading.Lock()

    def write(self, path: str, query: str, body: bytes) -> None:
        entry = {"path": path, "query": query, "length": len(body), "token": bool(TOKEN.search(body))}
        if self._bodies:
            entry["body"] = body.decode("utf-8", "replace")
        with self._lock:
            self._file.write("\n" + json.dumps(entry))  # where an app was killed, the line before may not be whole
            self._file.flush()


class Wsgi:
    def __init__(self, app, log: Log):
        self._app = app
        self._log = log

    def __call__(self, environ, start_response):
        if environ["REQUEST_METHOD"] == "POST":
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            if environ.get("HTTP_CONTENT_ENCODING") == "gzip":
                body = gzip.decompress(body)
                environ["CONTENT_LENGTH"] = str(len(body))
                del environ["HTTP_CONTENT_ENCODING"]
            environ["wsgi.input"] = io.BytesIO(body)
            self._log.write(environ["PATH_INFO"], environ.get("QUERY_STRING", ""), body)
        return self._app(environ, start_response)


class Asgi:
    def __init__(self, app, log: Log):
        self._app = app
        self._log = log

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
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

        return await self._app(scope, recording, send)

    def _write(self, scope, body: bytes) -> None:
        self._log.write(scope["path"], scope["query_string"].decode(), body)
