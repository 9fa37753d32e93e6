"""A page of apps/chaos.py in a browser whose user does this and that, while anything may go wrong between it and the app."""

from __future__ import annotations

import json
import random
import socket
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urljoin

import requests

from .raw import send_callback
from .relay import ABRUPTLY
from .wire import Client, compact, figures, is_token, payload, token_texts

NAMES = "first", "second"
LAYOUT = {"word", "size", "fill", "extend", "read", "report", "show", "given", "shown", *NAMES}
STATUSES = (502, 503, 504)  # something behind Caddy is away; one may try again
PATIENCE = 60  # seconds without a byte


class Lost(Exception):
    """No answer, or none but that one may try again: the Stores are what they were, and what they stand for must be."""


class Missed(Exception):
    """The data of a Store is gone."""


class Page:
    """Takes turns: fills its Stores, extends the first, has the app report what it gets, reloads, or breaks off a request. The
    URLs are of replicas, each as good as the first. What comes back must be right, or be Lost, or Missed; anything else is an
    AssertionError that tells the page and the turn.

    `count` has how many requests it sent, and answers it got, of each sort; `seen` the texts of the tokens in them. A miss makes the page ill until its Stores were
    filled, and the app has reported all right: that is `healed`. What is missed in between is the same miss.
    """

    def __init__(self, name: str, urls: Sequence[str], seed: int):
        self.name = name
        self.count: Counter[str] = Counter()
        self.seen: set[str] = set()
        self.ill = False
        self._chance = random.Random(seed)
        host = urls[0].split("/")[2]  # as a load balancer tells all of them; a token is for one host
        self._clients = [Client(url, {"Host": host}) for url in urls]
        self._turns = 0
        self._clicks = 0
        self._empty()

    def open(self) -> None:
        """Opens the page as the first request of all, which must succeed."""
        for client in self._clients:
            client.open()
            [self._extended] = [each["output"] for each in client.session.get(client.url + "_dash-dependencies").json()
                                if "@" in each["output"]]  # an output that another callback has, too, bears a hash

    def close(self) -> None:
        for client in self._clients:
            client.session.close()

    @property
    def tokens(self) -> list[str]:
        """The texts of the tokens that it holds now, also those of Patches."""
        return sorted(token_texts(compact(self._values).encode()))

    def turn(self) -> bool:
        """Does what the user comes upon next; whether that succeeded."""
        return self._do(self._step())

    def works(self) -> bool:
        """Whether all that it is for succeeds."""
        return all(map(self._do, (self.fill, self.read, self.extend, self.read)))

    def _do(self, step: Callable[[], None]) -> bool:
        self._turns += 1
        try:
            step()
            return True
        except Lost as err:
            self.count[str(err)] += 1
        except Missed as err:
            self.count["misses"] += not self.ill
            self.count[f"misses told by {err}"] += 1
            self.ill, self._filled = True, False
        except AssertionError as err:
            raise AssertionError(f"{self.name}, turn {self._turns} ({step.__name__}): {err}") from None
        return False

    def _step(self) -> Callable[[], None]:
        if not self._filled:
            return self.fill
        if self.ill:
            return self.read
        [step] = self._chance.choices([self.read, self.fill, self.extend, self.break_off, self.reload], [12, 4, 4, 1.5, 0.5])
        return step

    def fill(self) -> None:
        """Fills the Stores, mostly with a little."""
        [size] = self._chance.choices([self._chance.randrange(100, 4000), self._chance.randrange(4000, 100_000),
                                       self._chance.randrange(100_000, 2_000_000)], [70, 25, 5])
        self._clicks += 1
        answer = self._call([f"{name}.data" for name in NAMES], {"fill.n_clicks": self._clicks},
                            {"word.value": self.name, "size.value": size})
        words = {name: f"{self.name} {self._clicks} {name} " for name in NAMES}
        self._text = {name: (word * (size // len(word) + 1))[:size] for name, word in words.items()}
        self._added = []
        self._values = {name: answer[name]["data"] for name in NAMES}
        self._filled = True
        for name, value in self._values.items():
            assert is_token(value) or value == {"text": self._text[name], "added": []}, f"a wrong value: {str(value)[:500]}"
        self.count["Stores as tokens"] += sum(map(is_token, self._values.values()))
        self.count["Stores inline"] += len(NAMES) - sum(map(is_token, self._values.values()))

    def extend(self) -> None:
        """Has the app change the first Store, by a Patch."""
        self._clicks += 1
        answer = self._call([self._extended], {"extend.n_clicks": self._clicks}, {"word.value": self.name})
        self._values["first"] = patched(self._values["first"], answer["first"]["data"])
        self._added = [*self._added, f"{self.name} {self._clicks}"]
        self.count["Patches"] += 1

    def read(self) -> None:
        """Has the app report on the Stores."""
        said = self._call(["report.children"], {"read.n_clicks": 1}, self._sent())["report"]["children"]
        added = {"first": self._added, "second": []}
        right = [f"{len(text)} bytes {zlib.crc32(text.encode()):08x} {added[name]}" for name, text in self._text.items()]
        assert len(said) == len(right), said
        wrong = [(one, due) for one, due in zip(said, right, strict=True) if one not in (due, "empty")]
        assert not wrong, f"the app got {wrong}"
        if "empty" in said:
            assert self._figures.get("missed"), f"the app got {said}, and nobody tells of a miss"
            raise Missed("null")
        self.count["right reports"] += 1
        self.count["restored"] += self._figures.get("restored", 0)
        self.count["healed"] += self.ill
        self.ill = False

    def reload(self) -> None:
        """Opens the page anew, which empties its Stores."""
        self._empty()
        client = self._chance.choice(self._clients)
        for name in ("", "_dash-layout", "_dash-dependencies"):
            answer = self._answer(lambda: client.session.get(client.url + name, timeout=PATIENCE))
            if name == "_dash-layout":
                ids = {component["props"].get("id") for component in json.loads(answer.content)["props"]["children"]}
                assert ids == LAYOUT, ids

    def break_off(self) -> None:
        """Is closed in the middle of a request, or of an answer."""
        client = self._chance.choice(self._clients)
        arguments = ["report.children"], {"read.n_clicks": 1}, self._sent()
        with suppress(OSError):  # which requests' exceptions are, too
            if self._chance.random() < 0.5:
                body = payload(*arguments).encode()
                with send_callback(int(client.url.rstrip("/").rpartition(":")[2]), len(body)) as connection:
                    connection.sendall(body[:self._chance.randrange(len(body))])
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABRUPTLY)
                self.count["requests broken off"] += 1
            else:
                with client.call(*arguments, stream=True) as response:
                    next(response.iter_content(10), b"")
                self.count["answers broken off"] += 1

    def _empty(self) -> None:
        self._values: dict[str, Any] = dict.fromkeys(NAMES)  # as the browser has them
        self._text = dict.fromkeys(NAMES, "")                # what they stand for
        self._added: list[str] = []
        self._filled = False

    def _sent(self) -> dict[str, Any]:
        return {f"{name}.data": value for name, value in self._values.items()}

    def _call(self, *arguments) -> dict[str, Any]:
        """The `response` of a callback's answer."""
        client = self._chance.choice(self._clients)
        answer = self._answer(lambda: client.call(*arguments, timeout=PATIENCE))
        self._figures = figures(answer.headers)
        assert b'"$dashstash"' not in answer.content or arguments[0] != ["report.children"], "a token where data is due"
        whole = json.loads(answer.content)
        for script in whole.get("dist", []):
            assert "_dash-stash/reload.js" in script["url"] and whole["response"] == {}, whole
            self._answer(lambda: client.session.get(urljoin(client.url, script["url"]), timeout=PATIENCE))
            self._empty()  # as the script does, by reloading the page
            raise Missed("reload")
        return whole["response"]

    def _answer(self, ask: Callable[[], requests.Response]) -> requests.Response:
        """The answer 200 that asking gives."""
        self.count["requests"] += 1
        try:
            answer = ask()
        except requests.Timeout:
            raise AssertionError(f"nothing came for {PATIENCE} s") from None
        except requests.RequestException:
            raise Lost("connection broken") from None
        self.seen |= token_texts(answer.content)
        if answer.status_code in STATUSES:
            raise Lost(f"status {answer.status_code}")
        if answer.status_code in (204, 410):
            raise Missed(f"status {answer.status_code}")
        assert answer.status_code == 200, f"{answer.status_code}: {answer.text[:500]}"
        return answer


def patched(value: Any, patch: Any) -> Any:
    """The value with a Patch applied, as the browser does; an operation that neither the app nor Dashstash uses is a
    KeyError."""
    value = json.loads(json.dumps(value))
    for operation in patch["operations"]:
        *way, last = operation["location"]
        place = value
        for key, below in zip(way, operation["location"][1:], strict=True):
            place = at(place, key, [] if isinstance(below, int) else {})
        OPERATIONS[operation["operation"]](place, last, operation["params"].get("value"))
    return value


def append(place: Any, key: Any, item: Any) -> None:
    at(place, key, []).append(item)


def remove(place: Any, key: Any, item: Any) -> None:
    place[key] = [each for each in place[key] if each != item]


def delete(place: Any, key: Any, _: Any) -> None:
    with suppress(KeyError, IndexError):
        del place[key]


OPERATIONS = {"Append": append, "Remove": remove, "Delete": delete}


def at(place: Any, key: Any, new: Any) -> Any:
    """What is at a key of an object or list; something new if nothing was."""
    if isinstance(place, list):
        if key == len(place):
            place.append(new)
        return place[key]
    return place.setdefault(key, new)
