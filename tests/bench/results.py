"""The results of storage.py: what was measured, and what that comes to."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

SIZES = {"10KB": 10_000, "1MB": 1_000_000, "50MB": 50_000_000}
CLIENTS = (1, 16)
THRESHOLD = 500  # entries that dash-extensions' FileSystemBackend keeps, by default


def size_name(size: str) -> str:
    """A size as one writes it."""
    return size.replace("KB", " KB").replace("MB", " MB")


class Result(NamedTuple):
    """How long a client took for one operation, while so many clients did the same."""

    where: str
    operation: str
    size: str
    clients: int
    seconds: float


class Results:
    """The medians of all rounds."""

    def __init__(self, results: Iterable[Result]):
        times = defaultdict(list)
        for *what, seconds in results:
            times[tuple(what)].append(seconds)
        self._seconds = {what: statistics.median(values) for what, values in times.items()}

    def __contains__(self, what: tuple) -> bool:
        return what in self._seconds

    def seconds(self, where: str, operation: str, size: str, clients: int = 1) -> float:
        return self._seconds[where, operation, size, clients]

    def rate(self, where: str, operation: str, size: str, clients: int = 1) -> float:
        """Bytes of JSON a second, of all clients together."""
        return clients * SIZES[size] / self.seconds(where, operation, size, clients)
