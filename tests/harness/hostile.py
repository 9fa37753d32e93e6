"""What a hostile user sends: others' names, data that looks like components, tokens put together in every way."""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterable, Iterator
from typing import Any

from .wire import payload

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


def bomb(size: int) -> bytes:
    """A callback's request that is so large when it is unpacked."""
    return gzip.compress(payload(["report.children"], {"read.n_clicks": 1}, {"df.data": " " * size}).encode())
