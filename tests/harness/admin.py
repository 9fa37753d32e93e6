"""Dashstash's part of a Caddy's admin endpoint, and the metrics there."""

from __future__ import annotations

import re
from typing import Any

import requests

METRIC = re.compile(r"^caddy_dash_stash_(\w+?)(?:\{(.*)\})? (\S+)$", re.MULTILINE)

LABEL = re.compile(r'[a-z_]+="[^"]*"')


class Admin:
    """Asks the admin endpoint on a port, as curl would. `page` is what a browser opens."""

    def __init__(self, port: int):
        self.url = f"http://127.0.0.1:{port}/"
        self.page = self.url + "dash_stash/"

    def get(self, path: str, **query: str) -> Any:
        response = requests.get(self.page + path, params=query, timeout=10)
        response.raise_for_status()
        return response.json()

    def status(self) -> dict[str, Any]:
        return self.get("status")

    def store(self, store_id: str) -> dict[str, Any]:
        """What there is to tell of the Store, which is one app's alone."""
        (store,) = self.get("store", id=store_id)["stores"]
        return store

    def purge(self, **what: Any) -> dict[str, Any]:
        response = self.post_purge(json=what)
        assert response.ok, response.text
        return response.json()

    def post_purge(self, **options) -> requests.Response:
        return requests.post(self.page + "purge", timeout=30, **options)

    def metrics(self) -> dict[str, float]:
        """Values by name without its beginning and labels, sorted: 'bytes_total{direction="up",mode="live"}'."""
        text = requests.get(self.url + "metrics", timeout=10).text
        return {f"{name}{{{','.join(sorted(LABEL.findall(labels)))}}}": float(value) for name, labels, value in METRIC.findall(text)}


def difference(before: Any, after: Any) -> Any:
    """By how much the numbers in two such answers differ, for those that do. What was not there before was zero."""
    if isinstance(after, dict):
        before = before or {}
        changes = {key: difference(before.get(key), value) for key, value in after.items()}
        return {key: change for key, change in changes.items() if change}
    return after - (before or 0) if isinstance(after, int | float) else None
