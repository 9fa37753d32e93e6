"""HTTP by hand: an app that breaks off in the middle, and a client that does."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable

from .process import free_port

LAYOUT = {"props": {"id": "store"}, "type": "Store", "namespace": "dash_core_components"}
DEPENDENCIES = [{"output": "store.data", "inputs": [{"id": "fill", "property": "n_clicks"}], "state": [],
                 "clientside_function": None}]


class RawApp:
    """Answers a Dash page's first requests like an app with one Store, and hands each callback's socket, with the request
    read, to `callback`; the socket is closed when that returns. Each request has a connection of its own."""

    def __init__(self, callback: Callable[[socket.socket], None]):
        self.port = free_port()
        self._callback = callback
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # stopped
            with connection:
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        request = connection.makefile("rb")
        method, path, _ = request.readline().decode().split()
        length = 0
        for line in iter(request.readline, b"\r\n"):
            name, _, value = line.decode().partition(":")
            if name.lower() == "content-length":
                length = int(value)
        request.read(length)
        if method == "POST":
            self._callback(connection)
            return
        body = json.dumps(LAYOUT if path.endswith("layout") else DEPENDENCIES).encode()
        connection.sendall(head(f"Content-Length: {len(body)}") + body)


def head(*headers: str) -> bytes:
    """A good answer's head, with JSON to follow and no further request to come."""
    lines = ["HTTP/1.1 200 OK", "Content-Type: application/json", "Connection: close", *headers]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()


def send_callback(port: int, length: int, *headers: str) -> socket.socket:
    """A connection on which the head of a callback's request has been sent; `length` bytes of body are to follow."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    lines = ["POST /_dash-update-component HTTP/1.1", f"Host: 127.0.0.1:{port}", "Content-Type: application/json",
             f"Content-Length: {length}", *headers, "", ""]
    connection.sendall("\r\n".join(lines).encode())
    return connection
