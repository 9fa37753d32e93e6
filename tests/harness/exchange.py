"""What went over a tab's wire, by Chromium's own account (the DevTools protocol's Network domain)."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Error, Page

SCRIPTS = "_dash-component-suites/"
BODY_LIMIT = 256 << 20  # bytes of one body that Chromium keeps for us


@dataclass
class Exchange:
    """One request and its answer. Bodies are the decoded ones; header names are in lower case.

    `bytes_down` is what came over the wire, compressed as it came, headers included.
    """

    method: str
    url: str
    request_body: str
    request_headers: dict[str, str] = field(default_factory=dict)
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    response_body: bytes = b""
    bytes_down: int = 0
    failure: str = ""

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def bytes_up(self) -> int:
        """The length of the request's body, as it was sent."""
        return int(self.request_headers.get("content-length", 0))

    @property
    def is_callback(self) -> bool:
        return self.method == "POST" and self.path.endswith("_dash-update-component")

    @property
    def is_poll(self) -> bool:
        """Whether it asks for the result of a background callback: how often that happens is a matter of time."""
        return self.is_callback and "cacheKey=" in urlsplit(self.url).query

    @property
    def request(self) -> Any:
        return json.loads(self.request_body)

    @property
    def response(self) -> Any:
        """The answer's JSON; None when it has no body, as after PreventUpdate."""
        return json.loads(self.response_body) if self.response_body else None

    def output(self, id_and_prop: str) -> Any:
        """The value of an output "id.prop" in a callback's answer; KeyError if the answer leaves it alone."""
        component, _, prop = id_and_prop.rpartition(".")
        return self.response["response"][component][prop]

    def value(self, id_and_prop: str) -> Any:
        """The value of an input or a state "id.prop" in a callback's request; KeyError if it has none."""
        component, _, prop = id_and_prop.rpartition(".")
        for entry in [*self.request["inputs"], *self.request.get("state", [])]:
            if entry["id"] == component and entry["property"] == prop:
                return entry["value"]
        raise KeyError(id_and_prop)


class Recorder:
    """Follows a page's requests and keeps each as an Exchange once it is finished.

    Fetching bodies takes time of its own: without `bodies` they stay empty, and the page runs as if nobody watched. Those of
    Dash's own scripts, megabytes a page, always do.
    """

    def __init__(self, page: Page, bodies: bool):
        self._bodies = bodies
        self.exchanges: list[Exchange] = []
        self._open: dict[str, Exchange] = {}
        page.on("framenavigated", lambda frame: frame == page.main_frame and self._forget_callbacks())
        self._early_headers: dict[str, dict[str, str]] = {}
        self.cdp = page.context.new_cdp_session(page)
        self.cdp.on("Network.requestWillBeSent", self._on_sent)
        self.cdp.on("Network.requestWillBeSentExtraInfo", self._on_sent_headers)
        self.cdp.on("Network.responseReceived", self._on_response)
        self.cdp.on("Network.loadingFinished", self._on_finished)
        self.cdp.on("Network.loadingFailed", self._on_failed)
        limit = BODY_LIMIT if bodies else 0
        self.cdp.send("Network.enable", {"maxPostDataSize": limit, "maxResourceBufferSize": limit,
                                         "maxTotalBufferSize": 2 * limit})

    @property
    def pending(self) -> list[str]:
        """The paths of the callbacks that have not been answered."""
        return [exchange.path for exchange in self.unfinished if exchange.is_callback]

    @property
    def unfinished(self) -> list[Exchange]:
        return list(self._open.values())

    def _forget_callbacks(self) -> None:
        """Drops what the page before has not got an answer to: of some of these, Chromium never says that they have failed."""
        self._open = {request: exchange for request, exchange in self._open.items() if not exchange.is_callback}

    def _on_sent(self, event: dict) -> None:
        request = event["request"]
        if not request["url"].startswith("http"):
            return
        exchange = Exchange(request["method"], request["url"], request.get("postData", ""), lower(request["headers"]))
        exchange.request_headers.update(self._early_headers.pop(event["requestId"], {}))
        self._open[event["requestId"]] = exchange

    def _on_sent_headers(self, event: dict) -> None:
        exchange = self._open.get(event["requestId"])
        headers = exchange.request_headers if exchange else self._early_headers.setdefault(event["requestId"], {})
        headers.update(lower(event["headers"]))

    def _on_response(self, event: dict) -> None:
        if exchange := self._open.get(event["requestId"]):
            exchange.status = event["response"]["status"]
            exchange.headers = lower(event["response"]["headers"])

    def _on_finished(self, event: dict) -> None:
        exchange = self._open.get(event["requestId"])
        if exchange is None:
            return
        exchange.bytes_down = int(event["encodedDataLength"])
        if self._bodies and exchange.status != 204 and SCRIPTS not in exchange.path:
            exchange.response_body = self._body(event["requestId"])
        self._close(event["requestId"])

    def _on_failed(self, event: dict) -> None:
        if exchange := self._open.get(event["requestId"]):
            exchange.failure = event["errorText"]
            self._close(event["requestId"])

    def _close(self, request_id: str) -> None:
        if exchange := self._open.pop(request_id, None):  # None: the page went on while the body was being fetched
            self.exchanges.append(exchange)

    def _body(self, request_id: str) -> bytes:
        try:
            got = self.cdp.send("Network.getResponseBody", {"requestId": request_id})
        except Error:
            return b""  # the page has gone on to another document
        return base64.b64decode(got["body"]) if got["base64Encoded"] else got["body"].encode()


def lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
