"""A user of apps/numbered.py without a browser, who looks twice at every answer."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

from .wire import Client, figures, is_token

RIGHT, EMPTY, UNAVAILABLE = "right", "empty", "unavailable"


class User:
    """A page of numbered.py with so many Stores: what they hold, and what they should.

    Anything but what the methods tell of is an AssertionError. `count` has what Server-Timing told in all: stored,
    restored, missed. Not for several threads at once.
    """

    def __init__(self, url: str, word: str = "word", stores: int = 6, *, retries: int = 0, **options):
        self.client = Client(url, retries=retries, **options)
        self.client.open()
        self.word = word
        self.names = [f"store-{n}.data" for n in range(stores)]
        self.clicks = 0
        self.size = 0
        self.values: dict[str, Any] = {}
        self.count: Counter[str] = Counter()

    @property
    def tokens(self) -> int:
        """How many of the Stores hold a token."""
        return sum(map(is_token, self.values.values()))

    def fill(self, size: int) -> requests.Response:
        """Fills all Stores with new data of that size, which always works. The answer's body has been read."""
        self.clicks += 1
        self.size = size
        response = self.client.call(self.names, {"fill.n_clicks": self.clicks}, {"size.value": size, "word.value": self.word})
        assert response.status_code == 200, f"{response.status_code}: {response.text[:500]}"
        self.count.update(figures(response.headers))
        answer = response.json()["response"]
        self.values = {name: answer[name.removesuffix(".data")]["data"] for name in self.names}
        for number, value in enumerate(self.values.values()):
            assert is_token(value) or value == {"text": self._text(number)}, f"a wrong value: {str(value)[:500]}"
        return response

    def close(self) -> None:
        """Closes the connections."""
        self.client.session.close()

    def call(self) -> requests.Response:
        """Sends the Stores to the callback that reports on them."""
        return self.client.call(["report.children"], {"read.n_clicks": 1}, self.values)

    def look(self) -> str:
        """Reads the Stores, and tells whether what the app got was all RIGHT or, in part, EMPTY; or UNAVAILABLE."""
        response = self.call()
        if response.status_code == 503 and "Retry-After" in response.headers:
            return UNAVAILABLE
        assert response.status_code == 200, f"{response.status_code}: {response.text[:500]}"
        self.count.update(figures(response.headers))
        answer = response.json()
        if "dist" in answer:  # what has the page reload, and its Stores be empty
            return EMPTY
        said = answer["response"]["report"]["children"].split(", ")
        wanted = [f"{self.size} bytes {zlib.crc32(self._text(number).encode()):08x}" for number in range(len(self.names))]
        assert len(said) == len(wanted)
        wrong = [one for one, right in zip(said, wanted, strict=True) if one not in (right, EMPTY)]
        assert not wrong, f"the app got wrong data: {wrong} of {wanted}"
        return EMPTY if EMPTY in said else RIGHT

    def read(self) -> None:
        """Reads the Stores: the app gets what they were last filled with."""
        assert (outcome := self.look()) == RIGHT, f"data of {self.word} is {outcome}"

    def _text(self, number: int) -> str:
        word = f"{self.word} {self.clicks} store-{number} "
        return (word * (self.size // len(word) + 1))[:self.size]


def together(work: Callable[[Any], Any], users: Iterable[Any]) -> list[Any]:
    """What work(user) returns for each of them, all at the same time."""
    users = list(users)
    with ThreadPoolExecutor(len(users)) as pool:
        return list(pool.map(work, users))
