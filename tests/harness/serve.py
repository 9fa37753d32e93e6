"""Serves one unmodified Dash app file under waitress: python -m harness.serve APP PORT --log FILE [--bodies].

The app's file is run as it is. It defines `app` (a dash.Dash), or `server` (a WSGI app), or create_app() that returns
a dash.Dash. Every POST that reaches the app is written to the log as one JSON line: path, query, length in bytes,
whether a Dashstash token was in it, and with --bodies the body as text.

It runs in the environment of the app, so it knows no Dash, and needs nothing but waitress.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import json
import re
import sys
import threading
from pathlib import Path

import waitress

# {"$dashstash":"<token>"} and {"$dashstash_patches":[["<token>",…],…]}
TOKEN = re.compile(rb'"\$dashstash(?:_patches)?"\s*:[\s\[]*"[A-Za-z0-9_-]{80}"')


def load(path: Path):
    """The WSGI app of the file, which is imported the way `python file.py` would find its neighbours."""
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    if hasattr(module, "server"):
        return module.server
    app = module.app if hasattr(module, "app") else module.create_app()
    return app.server


class Recorder:
    """WSGI middleware that logs each POST and hands it on unchanged."""

    def __init__(self, wsgi, log: Path, bodies: bool):
        self._wsgi = wsgi
        self._log = log.open("a", encoding="utf-8")
        self._bodies = bodies
        self._lock = threading.Lock()

    def __call__(self, environ, start_response):
        if environ["REQUEST_METHOD"] == "POST":
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = io.BytesIO(body)
            self._write(environ["PATH_INFO"], environ.get("QUERY_STRING", ""), body)
        return self._wsgi(environ, start_response)

    def _write(self, path: str, query: str, body: bytes) -> None:
        entry = {"path": path, "query": query, "length": len(body), "token": bool(TOKEN.search(body))}
        if self._bodies:
            entry["body"] = body.decode("utf-8", "replace")
        with self._lock:
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
    waitress.serve(server, host="127.0.0.1", port=args.port, threads=8)


if __name__ == "__main__":
    main()
