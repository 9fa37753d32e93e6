"""Serves one unmodified Dash app file: python -m harness.serve APP PORT --log FILE [--bodies] [--server NAME].

The app's file is run as it is. It defines `app` (a dash.Dash), or `server` (a WSGI or ASGI app), or create_app() that returns
a dash.Dash. What reaches the app is logged: see harness.record.

With DELAYS=1 in the environment, callbacks of an app that is a Flask one end in any order.

It runs in the environment of the app, so it knows no Dash, and needs nothing but the server, which is waitress by default.
"""

from __future__ import annotations

import argparse
import faulthandler
import importlib.util
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from .record import Asgi, Log, Wsgi


def load(path: Path):
    """The WSGI or ASGI app of the file, which is imported the way `python file.py` would find its neighbours."""
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    if hasattr(module, "server"):
        server = module.server
    else:
        server = (module.app if hasattr(module, "app") else module.create_app()).server
    if os.environ.get("DELAYS") and hasattr(server, "wsgi_app"):
        server.wsgi_app = delayed(server.wsgi_app)
    return server


def delayed(app):
    """The WSGI app, with a pause of random length before and after each POST."""

    def slow(environ, start_response):
        pauses = random.choices([0, 0.02, 0.08, 0.25], k=2) if environ["REQUEST_METHOD"] == "POST" else [0, 0]
        time.sleep(pauses[0])
        answer = app(environ, start_response)
        time.sleep(pauses[1])
        return answer

    return slow


def waitress(app: Path, port: int, log: Log) -> None:
    import waitress

    waitress.serve(Wsgi(load(app), log), host="127.0.0.1", port=port, threads=8)


def gunicorn(app: Path, port: int, log: Log) -> None:
    """Two worker processes with four threads each; each imports the app, a Flask one."""
    from gunicorn.app.base import BaseApplication

    class Application(BaseApplication):
        def load_config(self):
            for name, value in {"bind": f"127.0.0.1:{port}", "workers": 2, "threads": 4, "graceful_timeout": 1}.items():
                self.cfg.set(name, value)

        def load(self):
            server = load(app)
            server.test_client().get("/")  # a Dash app sets itself up at its first request, and not for two at once
            return Wsgi(server, log)

    Application().run()


def uvicorn(app: Path, port: int, log: Log) -> None:
    import uvicorn

    uvicorn.run(Asgi(load(app), log), host="127.0.0.1", port=port, log_level="warning")


def development(app: Path, port: int, log: Log) -> None:
    """The way `python app.py` runs it while its author edits it."""
    load(app)
    import dash

    app = dash.get_app()
    app.server.wsgi_app = Wsgi(app.server.wsgi_app, log)
    os.environ["DASH_HOT_RELOAD_INTERVAL"] = "0.2"
    app.run(host="127.0.0.1", port=port, debug=True, dev_tools_disable_version_check=True)


SERVERS: dict[str, Callable[[Path, int, Log], None]] = {
    "waitress": waitress, "gunicorn": gunicorn, "uvicorn": uvicorn, "development": development}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("app", type=Path)
    parser.add_argument("port", type=int)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--bodies", action="store_true")
    parser.add_argument("--server", choices=SERVERS, default="waitress")
    args = parser.parse_args()
    faulthandler.register(signal.SIGUSR1)  # harness.app asks for it
    SERVERS[args.server](args.app.resolve(), args.port, Log(args.log, args.bodies))


if __name__ == "__main__":
    main()
