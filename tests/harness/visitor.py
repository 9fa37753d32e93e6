"""A user of apps/echo.py without a browser, whose page holds what a browser's would."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urljoin

import requests

from .page import patched
from .wire import Client, compact, payload, token_texts


class Reloaded(Exception):
    """The page was told to reload, and has."""


class Visitor:
    """Opens a page of the app and clicks on its buttons. `props` is what the page holds, by "id.prop"; `last` the last answer;
    `seen` the text of each token that was ever in an answer.
    """

    def __init__(self, url: str, headers: Mapping[str, str] | None = None):
        self.client = Client(url, headers)
        self.props: dict[str, Any] = {}
        self.seen: set[str] = set()
        self.path = "/"
        self.last: requests.Response

    def open(self, path: str = "/") -> None:
        """Opens a page anew, with all Stores empty."""
        self.path = path
        self._ask(lambda: self.client.session.get(self.client.url, timeout=30))
        layout, self._callbacks = (self._ask(lambda: self.client.session.get(self.client.url + name, timeout=30)).json()
                                   for name in ("_dash-layout", "_dash-dependencies"))
        self.props = dict(props_of(layout))
        self.go(path)

    def go(self, path: str) -> None:
        """Goes to another page of the app, where the Stores of the layout keep what they have."""
        self.path = path
        gone = {prop.rpartition(".")[0] for prop, _ in props_of(self.props.get("page.children"))}
        self.props = {prop: value for prop, value in self.props.items() if prop.rpartition(".")[0] not in gone}
        self.props["url.pathname"] = path
        self._run("url.pathname")

    def click(self, button: str, given: Any = None) -> requests.Response:
        """Clicks on a button, when the user has given something."""
        self.props["given.value"] = compact(given)
        self.props[f"{button}.n_clicks"] = self.props.get(f"{button}.n_clicks", 0) + 1
        return self._run(f"{button}.n_clicks")

    def read(self) -> Any:
        """What the app gets of the Stores and the table."""
        self.click("read")
        return json.loads(self.props["report.children"])

    def send(self, **values: Any) -> requests.Response:
        """Has the app report on other values of its Stores than the page's, such as df=…. It changes nothing on the page."""
        state = {f"{name}.data": values.get(name) for name in ("df", "kept", "table")}
        self.last = self.client.call(["report.children"], {"read.n_clicks": 1}, state)
        self._look(self.last)
        return self.last

    def _run(self, trigger: str) -> requests.Response:
        """Runs the callback that has this input."""
        callback = next(each for each in self._callbacks if names(each["inputs"]) == [trigger])
        state = {name: self.props.get(name) for name in names(callback["state"])}
        body = payload([callback["output"]], {trigger: self.props[trigger]}, state).encode()
        answer = self.last = self._ask(lambda: self.client.session.post(
            self.client.url + "_dash-update-component", data=body, headers={"Content-Type": "application/json"}, timeout=60))
        if answer.status_code == 204:
            return answer
        whole = answer.json()
        for script in whole.get("dist", []):
            assert "_dash-stash/reload.js" in script["url"] and whole["response"] == {}, whole
            self._ask(lambda: self.client.session.get(urljoin(self.client.url, script["url"]), timeout=30))
            self.open(self.path)
            raise Reloaded
        for updates in (whole.get("sideUpdate", {}), whole["response"]):
            for component, props in updates.items():
                for prop, value in props.items():
                    self._put(component, prop, value)
        return answer

    def _put(self, component: str, prop: str, value: Any) -> None:
        name = f"{component}.{prop}"
        if isinstance(value, dict) and "__dash_patch_update" in value:
            if name not in self.props:
                return  # an error in a browser: "Cannot patch undefined"
            value = apply(self.props[name], value)
        self.props[name] = value
        if name == "page.children":
            self.props.update(props_of(value))

    def _ask(self, ask: Any) -> requests.Response:
        answer = ask()
        answer.raise_for_status()
        self._look(answer)
        return answer

    def _look(self, answer: requests.Response) -> None:
        self.seen |= token_texts(answer.content)


class Twins:
    """One user twice, directly and through Dashstash: read() says that the app gets the same. Where the page is told to reload, both
    do, and `reloads` counts it.
    """

    def __init__(self, direct: str, stashed: str, headers: Mapping[str, str] | None = None):
        self.direct, self.stashed = Visitor(direct, headers), Visitor(stashed, headers)
        self.reloads = 0

    def open(self, path: str = "/") -> None:
        self.direct.open(path)
        self.stashed.open(path)

    def go(self, path: str) -> None:
        self.direct.go(path)
        self._stashed(self.stashed.go, path)

    def click(self, button: str, given: Any = None) -> requests.Response:
        """The answer through Dashstash."""
        self.direct.click(button, given)
        self._stashed(self.stashed.click, button, given)
        return self.stashed.last

    def read(self) -> None:
        want = self.direct.read()
        if self._stashed(self.stashed.click, "read"):
            got = json.loads(self.stashed.props["report.children"])
            assert got == want, f"the app got {compact(got)[:1500]}\nand not {compact(want)[:1500]}"

    def _stashed(self, act: Any, *arguments: Any) -> bool:
        try:
            act(*arguments)
            return True
        except Reloaded:
            self.reloads += 1
            self.direct.open(self.direct.path)
            return False


def names(entries: list[dict[str, str]]) -> list[str]:
    return [f"{entry['id']}.{entry['property']}" for entry in entries]


def props_of(tree: Any) -> Iterator[tuple[str, Any]]:
    """The props of the components in a tree that have an id."""
    if isinstance(tree, list):
        for each in tree:
            yield from props_of(each)
    elif isinstance(tree, dict) and isinstance(tree.get("props"), dict):
        for prop, value in tree["props"].items():
            if "id" in tree["props"]:
                yield f"{tree['props']['id']}.{prop}", value
        yield from props_of(tree["props"].get("children"))


def apply(value: Any, patch: Any) -> Any:
    """The value with a Patch applied, which may be of a list as a whole."""
    if [operation["location"] for operation in patch["operations"]] == [[]]:
        return [*(value or []), patch["operations"][0]["params"]["value"]]
    assert isinstance(value, dict), f"a Patch of data that it is not for: {compact(patch)[:500]}"
    return patched(value, patch)


def operations(answer: requests.Response) -> list[str]:
    """The names of the operations of the Patch that an answer is."""
    [props] = answer.json()["response"].values()
    [value] = props.values()
    return [operation["operation"] for operation in value["operations"]]
