"""Apps under other servers than waitress: gunicorn, uvicorn, and Dash's own with hot reload.

    python -m harness.servers APP PORT --log FILE [--bodies] --server NAME

serves the app file as harness.serve does, and logs what reaches the app as that does.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from .app import App
from .serve import Recorder, load


class ServedApp(App):
    """An App under the server of a name in SERVERS."""

    def __init__(self, file: str | Path, folder: Path, *, server: str, **options):
        self.server = server
        super().__init__(file, folder, **options)

    def start(self) -> None:
        command = ["harness.servers" if part == "harness.serve" else part for part in self._process_args["command"]]
        self._process_args["command"] = command if "--server" in command else [*command, "--server", self.server]
        super().start()


def gunicorn(args: argparse.Namespace) -> None:
    """Two worker processes with four threads each; each imports the app, a Flask one."""
    from gunicorn.app.base import BaseApplication

    class Application(BaseApplication):
        def load_config(self):
            for name, value in {"bind": f"127.0.0.1:{args.port}", "workers": 2, "threads": 4, "graceful_timeout": 1}.items():
                self.cfg.set(name, value)

        def load(self):
            server = load(args.app)
            server.test_client().get("/")  # a Dash app sets itself up at its first request, and not for two at once
            return Recorder(server, args.log, args.bodies)

    Application().run()


def uvicorn(args: argparse.Namespace) -> None:
    import uvicorn

    from . import asgi

    server = asgi.Recorder(load(args.app), args.log, args.bodies)
    uvicorn.run(server, host="127.0.0.1", port=args.port, log_level="warning")


def development(args: argparse.Namespace) -> None:
    """The way `python app.py` runs it while its author edits it."""
    load(args.app)
    import dash

    app = dash.get_app()
    app.server.wsgi_app = Recorder(app.server.wsgi_app, args.log, args.bodies)
    os.environ["DASH_HOT_RELOAD_INTERVAL"] = "0.2"
    app.run(host="127.0.0.1", port=args.port, debug=True, dev_tools_disable_version_check=True)


SERVERS: dict[str, Callable[[argparse.Namespace], None]] = {
    "gunicorn": gunicorn, "uvicorn": uvicorn, "development": development}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("app", type=Path)
    parser.add_argument("port", type=int)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--bodies", action="store_true")
    parser.add_argument("--server", choices=SERVERS, required=True)
    args = parser.parse_args()
    SERVERS[args.server](args)


if __name__ == "__main__":
    main()
