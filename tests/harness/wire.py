"""Dash's protocol without a browser, and telling tokens from data."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

TOKEN_TEXT = re.compile(r"[A-Za-z0-9_-]{80}")
TOKEN_TEXTS = re.compile(rb"(?<![\w-])[\w-]{80}(?![\w-])")


def is_token(value: Any) -> bool:
    return (isinstance(value, dict) and list(value) == ["$dashstash"]
            and TOKEN_TEXT.fullmatch(value["$dashstash"]) is not None)


def token_texts(content: bytes) -> set[str]:
    """What has the shape of a token's text in what was sent."""
    return {text.decode() for text in TOKEN_TEXTS.findall(content)}


def figures(headers: Mapping[str, str]) -> dict[str, int]:
    """The figures in the entry dash_stash of an answer's Server-Timing; empty if it has none."""
    timing = next((value for name, value in headers.items() if name.lower() == "server-timing"), "")
    entry = re.search(r'dash_stash;dur=[\d.]+;desc="([^"]*)"', timing)
    return {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", entry[1])} if entry else {}


def compact(value: Any) -> str:
    """JSON as a browser writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


class Client:
    """Calls an app's callbacks as its page would. `headers` go with every request; not for several threads at once.

    A request whose connection ends before an answer began is sent again up to `retries` times: a reload of any Caddy,
    also one without Dashstash, drops connections that have just been made.
    """

    def __init__(self, url: str, headers: Mapping[str, str] | None = None, retries: int = 0):
        self.url = url
        self.session = requests.Session()
        self.session.mount("http://", HTTPAdapter(max_retries=Retry(retries, allowed_methods=None)))
        self.session.headers.update(headers or {})

    def open(self) -> None:
        """Asks for what a page asks for when it opens."""
        for name in ("", "_dash-layout", "_dash-dependencies"):
            self.session.get(self.url + name, timeout=30).raise_for_status()

    def call(self, outputs: list[str], inputs: Mapping[str, Any], state: Mapping[str, Any] | None = None,
             **options) -> requests.Response:
        """Runs a callback; outputs, and the keys of inputs and state, are "id.prop". The first input has changed."""
        return self.session.post(self.url + "_dash-update-component", data=payload(outputs, inputs, state).encode(),
                                 **{"timeout": 60, "headers": {"Content-Type": "application/json"}, **options})

    def outputs(self, *args, **options) -> dict[str, Any]:
        """The values that a callback sets, by "id.prop"; as call(), and it must succeed."""
        response = self.call(*args, **options)
        response.raise_for_status()
        return {f"{component}.{prop}": value for component, props in response.json()["response"].items()
                for prop, value in props.items()}


def payload(outputs: list[str], inputs: Mapping[str, Any], state: Mapping[str, Any] | None = None) -> str:
    """The body of a callback's request, as Dash's renderer writes it."""
    several = len(outputs) > 1
    specs = [target(output) for output in outputs]
    return compact({
        "output": f"..{'...'.join(outputs)}.." if several else outputs[0],
        "outputs": specs if several else specs[0],
        "inputs": [{**target(key), "value": value} for key, value in inputs.items()],
        "changedPropIds": [next(iter(inputs))],
        "parsedChangedPropsIds": [next(iter(inputs))],
        "state": [{**target(key), "value": value} for key, value in (state or {}).items()],
    })


def target(id_and_prop: str) -> dict[str, str]:
    component, _, prop = id_and_prop.rpartition(".")
    return {"id": component, "property": prop}
