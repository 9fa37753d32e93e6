"""A stretch of bad network: passes on what comes to a port, and can be told to do that slowly, not at all, or in part."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any

from .process import free_port

CHUNK = 1 << 16
ABRUPTLY = struct.pack("ii", 1, 0)  # SO_LINGER of no time: closing resets the connection


class Relay:
    """Passes on what comes to `port` to the target, another loopback port, and back. Methods may be called at any time."""

    def __init__(self, target: int):
        self.port = free_port()
        self._target = target
        self._links: set[Link] = set()
        self._delay = 0.0
        self._loop = asyncio.new_event_loop()
        self._flows = asyncio.Event()
        self._flows.set()
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=512)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def delay(self, seconds: float) -> None:
        """Holds each piece of 64 KiB or less for so long, from now on."""
        self._delay = seconds

    def stall(self) -> None:
        """Passes nothing on until flow(). Connections are still accepted."""
        self._do(self._flows.clear)

    def flow(self) -> None:
        self._do(self._flows.set)

    def tear(self, after: int, abruptly: bool) -> None:
        """Ends each connection that is open now when so many more bytes have passed on it, to and fro, or at once if that is
        0: with a reset, or as if both sides had closed it."""

        def tear():
            for link in list(self._links):
                link.tear(after, abruptly)

        self._do(tear)

    def stop(self) -> None:
        self._do(self._loop.stop)
        self._thread.join()

    def _do(self, work: Callable[[], Any]) -> None:
        self._loop.call_soon_threadsafe(work)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(asyncio.start_server(self._accept, sock=self._listener))
        self._loop.run_forever()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._listener.close()
        self._loop.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:  # nobody is there
            Link(writer).tear(0, abruptly=True)
            return
        link = Link(writer, far_writer)
        self._links.add(link)
        try:
            await asyncio.gather(self._pass(link, reader, far_writer), self._pass(link, far_reader, writer))
        except OSError:  # one side has broken off: so does the other
            link.tear(0, abruptly=True)
        finally:
            self._links.discard(link)
            link.close()

    async def _pass(self, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(CHUNK):
            await self._flows.wait()
            if self._delay:
                await asyncio.sleep(self._delay)
            writer.write(link.take(chunk))
            await writer.drain()
        writer.write_eof()


class Link:
    """A connection that is passed on, by what writes to its two sides."""

    def __init__(self, *sides: asyncio.StreamWriter):
        self._sides = sides
        self._left: int | None = None  # how many bytes may yet pass
        self._abruptly = False

    def tear(self, after: int, abruptly: bool) -> None:
        self._left, self._abruptly = after, abruptly
        if not after:
            self.close()

    def take(self, chunk: bytes) -> bytes:
        """What of a chunk may pass. When that was the last, the connection ends behind it."""
        if self._left is None:
            return chunk
        chunk = chunk[:self._left]
        self._left -= len(chunk)
        if not self._left:
            asyncio.get_running_loop().call_soon(self.close)
        return chunk

    def close(self) -> None:
        for side in self._sides:
            sock = side.get_extra_info("socket")
            if self._abruptly and sock.fileno() >= 0:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABRUPTLY)
            side.close()
