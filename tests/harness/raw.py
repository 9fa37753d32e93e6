"""HTTP by hand: an app that breaks off in the middle, and a client that does."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from .process import free_port

LAYOUT = {"props": {"id": "store"}, "type": "Store", "namespace": "dash_core_components"}
DEPENDENCIES = [{"output": "store.data", "inputs": [{"id": "fill", "property": "n_clicks"}], "state": [],
                 "clientside_function": None}]


class Listener:
    """Listens on a free port, and gives each connection to _accepted()."""

    def __init__(self):
        self.port = free_port()
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=100)
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
            self._accepted(connection)


class RawApp(Listener):
    """Answers a Dash page's first requests like an app with one Store, and hands each callback's socket, with the request
    read, to `callback`; the socket is closed when that returns. Each request has a connection of its own."""

    def __init__(self, callback: Callable[[socket.socket], None]):
        self._callback = callback
        super().__init__()

    def _accepted(self, connection: socket.socket) -> None:
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


class RecordingApp(Listener):
    """Keeps what comes to it, byte for byte, a request in a connection, and answers all with the same JSON."""

    ANSWER = b'{"multi":true,"response":{"store":{"data":"from the app"}}}'

    def __init__(self):
        self._requests: list[bytes] = []
        self._open = 0
        self._changed = threading.Condition()
        super().__init__()

    def take(self) -> list[bytes]:
        """What has come since the last time, sorted, when the connections have ended."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._open == 0, timeout=20), "a connection to the app stays open"
            taken, self._requests = self._requests, []
            return sorted(taken)

    def _accepted(self, connection: socket.socket) -> None:
        with self._changed:
            self._open += 1
        threading.Thread(target=self._record, args=[connection]).start()

    def _record(self, connection: socket.socket) -> None:
        came = bytearray()
        try:
            with connection:
                connection.settimeout(20)
                while not is_whole(came) and (more := connection.recv(65536)):
                    came += more
                if is_whole(came):
                    answer = LAYOUT if b"_dash-layout" in came.partition(b"\r\n")[0] else json.loads(self.ANSWER)
                    body = b"[]" if b"_dash-dependencies" in came.partition(b"\r\n")[0] else json.dumps(answer).encode()
                    connection.sendall(head(f"Content-Length: {len(body)}") + body)
                    connection.shutdown(socket.SHUT_WR)
                while more := connection.recv(65536):
                    came += more
        except OSError:
            pass  # broken off by the proxy
        with self._changed:
            if came:
                self._requests.append(bytes(came))
            self._open -= 1
            self._changed.notify_all()


def is_whole(request: bytes) -> bool:
    """Whether a request has come to its end, in the forms that Caddy uses."""
    top, end, body = bytes(request).partition(b"\r\n\r\n")
    if length := re.search(rb"\r\ncontent-length: (\d+)", top, re.IGNORECASE):
        return len(body) >= int(length[1])
    if re.search(rb"\r\ntransfer-encoding: chunked", top, re.IGNORECASE):
        return bool(re.search(rb"(^|\r\n)0\r\n([^\r]+\r\n)*\r\n$", body))
    return bool(end)


def speak(port: int, sent: bytes, patience: float) -> bytes:
    """What is answered to these bytes until the connection ends, or nothing has come for so many seconds."""
    answer = bytearray()
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as connection:
        with suppress(OSError):
            connection.sendall(sent)
        with suppress(OSError):
            while more := connection.recv(65536):
                answer += more
    return bytes(answer)
