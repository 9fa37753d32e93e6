"""What a hostile user sends: others' names, data that looks like components, tokens put together in every way; and such a user of
apps/chaos.py.
"""

from __future__ import annotations

import base64
import gzip
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from .page import NAMES, Page
from .wire import Client, compact, payload

STORE = {"type": "Store", "namespace": "dash_core_components"}
DIV = {"type": "Div", "namespace": "dash_html_components"}
TABLE = {"type": "DataTable", "namespace": "dash_table"}
CALLBACK = "_dash-update-component"
ENDPOINTS = [("GET", ""), ("GET", "_dash-layout"), ("GET", "_dash-dependencies"), ("GET", "_dash-ws-callback"),
             ("GET", "_favicon.ico"), ("GET", "_dash-stash/reload.js"), ("POST", "_dash-stash/gone"), ("POST", CALLBACK)]


def component(name: Any, kind: dict[str, str], **props: Any) -> dict[str, Any]:
    """Data that looks like a component with this id."""
    return {"props": {"id": name, **props}, **kind}


def lookalikes(stores: Iterable[str], others: Iterable[str], many: int = 20_000) -> dict[str, list[dict[str, Any]]]:
    """Rows of data, by what they say: of ids that are Stores that they are none, of others that they are, and of so many that
    there is no room for more."""
    return {
        "a table is a Store": [component(name, STORE, data=[1]) for name in others],
        "a Store is a Div": [component(name, DIV) for name in stores],
        "a Store is a table": [component(name, TABLE) for name in stores],
        "a Store is local": [component(name, STORE, storage_type="local") for name in stores],
        "many are Stores": [component(f"many {n}", STORE) for n in range(many)],
    }


def spellings(host: str, port: int) -> list[str]:
    """Ways to write a host and port in the header Host."""
    return [f"{host}:{port}", host, f"{host.upper()}:{port}", f"{host}.:{port}", f"{host}:80", f"{host}:0{port}", f"{host}:"]


def respelled(host: str, chance: random.Random) -> str:
    """A way to write a host at its default port."""
    letters = "".join(chance.choice([letter.lower(), letter.upper()]) for letter in host)
    return letters + chance.choice(["", "."]) + chance.choice(["", ":80"])


def openings(texts: Iterable[str]) -> Iterator[Any]:
    """Values in which a token may open, of each kind that there is: alone, as a record of a Patch, and as a fold."""
    texts = sorted(texts)
    for text in texts:
        yield {"$dashstash": text}
        yield patched_object({}, [text])
        yield patched_object({"0": "x"}, [text])
    for text in texts[:8]:
        for record in texts[:8]:
            yield patched_object({"$dashstash": text}, [record])
            yield patched_object({"$dashstash": text}, [text, record])
    yield patched_object({}, texts)


def patched_object(base: dict[str, Any], records: list[str]) -> dict[str, Any]:
    return {**base, "$dashstash_patches": [list(records)]}


def forged(text: str, chance: random.Random) -> str:
    """A token's text with a character changed."""
    place = chance.randrange(len(text))
    return text[:place] + chance.choice([each for each in "AZaz09-_" if each != text[place]]) + text[place + 1:]


def gone_path(text: str) -> str:
    """Where a page with this token asks what is gone: the path has the namespace that is in the token."""
    return f"_dash-stash/gone?namespace={base64.urlsafe_b64decode(text[:8])[1:5].hex()}"


def bomb(size: int) -> bytes:
    """A request, packed, for the callback `show` of apps/chaos.py, which is so large when it is unpacked."""
    return gzip.compress(show({"first": " " * size}, []).encode())


def show(stores: dict[str, Any], given: Any) -> str:
    """A request for that callback, which shows what is given, and does nothing with its Stores."""
    return payload(["shown.options"], {"show.n_clicks": 1}, {
        "given.value": compact(given), **{f"{name}.data": stores.get(name) for name in NAMES}})


class Hostile:
    """A user of apps/chaos.py at several sites, each of which has the URLs of replicas. Takes tokens from the pages of others, and does
    not mind what comes of what it sends. `count` tells how often it has done what.
    """

    name = "hostile"

    def __init__(self, sites: Iterable[Sequence[str]], pages: Sequence[Page], seed: int):
        self.count: Counter[str] = Counter()
        self._sites, self._pages = list(sites), pages
        self._chance = random.Random(seed)
        self._rows = lookalikes(NAMES, ["shown", "report"])

    def turn(self) -> None:
        move = self._chance.choice([self.steal, self.forge, self.mix_records, self.give_components, self.misname, self.send_many,
                                    self.send_bomb, self.ask_what_is_gone])
        with suppress(OSError):  # which requests' exceptions are, too
            move()
        self.count[move.__name__.replace("_", " ")] += 1

    def steal(self) -> None:
        """Sends others' tokens, in every form."""
        texts = self._stolen()
        for value in self._some(openings(texts)):
            self._send(show({"first": value, "second": value}, []))

    def forge(self) -> None:
        """Sends what were others' tokens, but for a character."""
        texts = [forged(text, self._chance) for text in self._stolen()]
        for value in self._some(openings(texts)):
            self._send(show({"first": value}, []))

    def mix_records(self) -> None:
        """Sends data of one with Patches of another."""
        for _ in range(3):
            if texts := self._stolen():
                self._send(show({"first": patched_object({"$dashstash": texts[0]}, texts[1:] or texts)}, []))

    def give_components(self) -> None:
        """Has the app show data that looks like components."""
        for rows in self._some(self._rows.values()):
            self._send(show({}, rows))

    def misname(self) -> None:
        """Asks for this and that, by any name."""
        for method, path in self._some(ENDPOINTS):
            self._ask(method, path, show({}, []) if method == "POST" else None)

    def send_many(self) -> None:
        """Sends more tokens, and more records, than any page has."""
        texts = self._stolen() or ["A" * 80]
        many = self._chance.choices(texts, k=5000)
        self._send(show({"first": [{"$dashstash": text} for text in many], "second": patched_object({}, many * 14)}, []))

    def send_bomb(self) -> None:
        """Sends little that becomes much."""
        self._ask("POST", CALLBACK, bomb(4 << 20), {"Content-Encoding": "gzip"})

    def ask_what_is_gone(self) -> None:
        if texts := self._stolen():
            self._ask("POST", gone_path(texts[0]), compact(list(openings(texts))))

    def _stolen(self) -> list[str]:
        return [text for page in self._chance.sample(self._pages, 2) for text in self._some(page.tokens)]

    def _some(self, items: Iterable[Any]) -> list[Any]:
        return self._chance.sample(items := list(items), min(len(items), 3))

    def _send(self, body: str) -> None:
        self._ask("POST", CALLBACK, body)

    def _ask(self, method: str, path: str, body: str | bytes | None, headers: dict[str, str] | None = None) -> None:
        """Sends a request to a site, by its own name or by another's, or by one that is nobody's."""
        site, other = self._chance.choices(self._sites, k=2)
        own, others = (urlsplit(urls[0]) for urls in (site, other))
        host = self._chance.choice([own.netloc, self._chance.choice(spellings("127.0.0.1", others.port))])
        client = Client(self._chance.choice(site), {"Host": host, "Content-Type": "application/json", **(headers or {})})
        with client.session:
            client.session.request(method, client.url + path, data=body, timeout=2)
