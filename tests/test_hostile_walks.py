"""Two users on random walks beside each other, who do what a hostile one does, too: neither ever gets anything of the other's, and the
app is called for each with what it is called with in plain Dash.

HOSTILE_SEED=12345 takes another walk than the usual one, HOSTILE_STEPS=2000 a longer one.
"""

import itertools
import os
import random

import pytest
import requests

from harness.app import App
from harness.hostile import forged, lookalikes, openings, spellings
from harness.visitor import Twins, Visitor
from harness.wire import compact, is_token

SEED = int(os.environ.get("HOSTILE_SEED", 1))
STEPS = int(os.environ.get("HOSTILE_STEPS", 200))
DIFFERENCES = "address", "browser", "site", "scope"
CROWDS = list(lookalikes(["df", "kept", "drawn"], ["table", "shown"]).values())
PLACES = ["options", "value", "columns", "tooltips", "figure", "title", "attribute", "list"]
PAGES = ["/", "/", "/", "/div", "/table", "/local"]
STORES = {"/": {"df.data", "kept.data"}, "/local": {"df.data", "kept.data"}}  # which may be tokens, on which page
MIN_SIZE = 1024
FIRST = {"address": "10.0.0.1", "browser": "a browser"}
SECOND = {"address": "10.0.0.2", "browser": "another browser"}


@pytest.fixture(scope="module")
def echo(tmp_path_factory):
    app = App("echo.py", tmp_path_factory.mktemp("app"))
    yield app
    app.stop()
    assert app.complaints() == []


class Walker:
    """A user who does this and that. All its data has its name in it, so that nothing of it is equal to another's.

    While it is `plain`, it opens no page on which an id is another component, and no component comes of what it gives: then each
    Store is offloaded, and no page reloads.
    """

    plain = True

    def __init__(self, name, app, url, others_url, headers, chance):
        self.name, self.url, self.others_url, self.headers = name, url, others_url, headers
        self.twins = Twins(app.url, url, headers)
        self.history, self.answers = [], []
        self.tokens = self.reads = 0
        self._chance, self._count = chance, 0

    def step(self):
        """What the walker comes upon next."""
        moves = {self.fill: 9, self.extend: 12, self.read: 8, self.rows: 3, self.go: 2 if self.plain else 6, self.show: 2,
                 self.try_own_tokens: 2, self.open: 1, self.show_components: 1, self.misname: 1, self.set: 1}
        self._chance.choices(list(moves), moves.values())[0]()

    def fill(self):
        """Fills a Store with little, or with much, or with rows that look like components."""
        button = self._chance.choice(["fill", "keep", "draw"])
        given = self._chance.choice([self._data, self._data, self._data, lambda: [*self._crowd(), self._word()]])()
        if self.twins.direct.path == "/table" and button == "fill":
            given = [{"of": self._word()}] * 60
        if (self.twins.direct.path, button) == ("/div", "fill"):
            return
        self._click(button, given)
        value = self.twins.stashed.props.get({"fill": "df", "keep": "kept", "draw": "drawn"}[button] + ".data")
        self.tokens += is_token(value)
        if self.plain and button != "draw" and len(compact(given)) >= MIN_SIZE:
            assert is_token(value), f"{button}: a Store's data is inline"

    def extend(self):
        """Adds to a Store by a Patch, if it is one to which one can add."""
        button = self._chance.choice(["extend", "extend", "change", "extend-kept"])
        data = self.twins.direct.props.get("kept.data" if button == "extend-kept" else "df.data")
        if isinstance(data, dict):
            for _ in range(self._chance.choice([1, 1, 1, 18])):
                self._click(button, self._word())

    def rows(self):
        """Fills the table, or adds to it."""
        has_rows = isinstance(self.twins.direct.props.get("table.data"), list)
        if self.twins.direct.path == "/":
            self._click(self._chance.choice(["rows", "add"]) if has_rows else "rows", [{"of": self._word()}] * 60)

    def set(self):
        """Has the app set props of components that are no outputs."""
        if self.twins.direct.path == "/":
            self._click(*self._chance.choice([("set", [{"of": self._word()}] * 60), ("set-store", self._data())]))

    def show(self):
        """Has the app show data that looks like components."""
        self._click(self._chance.choice(PLACES), [*self._crowd(), self._word()])

    def show_components(self):
        """Has the app show components of the walker's own."""
        if not self.plain:
            self._click("children", self._crowd())

    def read(self):
        self.history.append("read")
        self.reads += 1
        self.twins.read()
        self.answers.append(self.twins.stashed.last)

    def go(self):
        path = self._page()
        self.history.append(f"go {path}")
        self.twins.go(path)
        self.answers.append(self.twins.stashed.last)

    def open(self):
        path = self._page()
        self.history.append(f"open {path}")
        self.twins.open(path)
        self.answers.append(self.twins.stashed.last)

    def try_own_tokens(self):
        """Sends what the walker has ever seen, or nearly, in another form, also to another site or by another name."""
        seen = sorted(self.twins.stashed.seen)
        texts = self._chance.sample(seen, min(3, len(seen)))
        texts += [forged(text, self._chance) for text in texts[:1]]
        values = list(openings(texts))
        for value in self._chance.sample(values, min(6, len(values))):
            self.history.append(f"send {compact(value)}")
            for visitor in (self.twins.stashed, self._elsewhere()):
                self.answers.append(visitor.send(df=value, kept=value))

    def misname(self):
        """Opens the other's site by any name, and has it show what looks like components."""
        visitor = self._elsewhere()
        self.history.append(f"open {visitor.client.url} as {visitor.client.session.headers['Host']}")
        try:
            visitor.open(self._page())
        except (requests.RequestException, StopIteration):
            return  # no site has this name
        visitor.click(self._chance.choice(PLACES), self._crowd())
        self.answers.append(visitor.last)

    def _elsewhere(self):
        ports = [int(url.rstrip("/").rpartition(":")[2]) for url in (self.url, self.others_url)]
        hosts = [host for port in ports for host in spellings("127.0.0.1", port)]
        return Visitor(self._chance.choice([self.url, self.others_url]), {**self.headers, "Host": self._chance.choice(hosts)})

    def _click(self, button, given):
        self.history.append(f"{button} {compact(given)[:60]}")
        self.answers.append(self.twins.click(button, given))

    def _page(self):
        return "/" if self.plain else self._chance.choice(PAGES)

    def _word(self):
        self._count += 1
        return f"{self.name} {self._count}"

    def _data(self):
        word = f"{self._word()} "
        return {"text": word * self._chance.choice([1, 300]), "added": []}

    def _crowd(self):
        return self._chance.choices(CROWDS, [6] * (len(CROWDS) - 1) + [1])[0]


@pytest.mark.parametrize("differ", [subset for size in range(5) for subset in itertools.combinations(DIFFERENCES, size)], ids="-".join)
def test_two_walkers(echo, proxies, differ):
    """Two users, who differ in their address, their browser, the site and what is the scope, or do not."""
    print(f"HOSTILE_SEED={SEED} HOSTILE_STEPS={STEPS}")
    options = "scope {header.X-User}" if "scope" in differ else ""
    caddy, urls = proxies(echo, options, options, global_options="servers {\n\ttrusted_proxies static 127.0.0.1/32\n}")
    caddy.allow("http.log.error")
    chance = random.Random(f"{SEED} {differ}")
    walkers = []
    for name, own in (("ann", FIRST), ("bob", {**FIRST, **{key: SECOND[key] for key in differ if key in SECOND}})):
        mine, others = urls if name == "ann" or "site" not in differ else reversed(urls)
        headers = {"X-Forwarded-For": own["address"], "User-Agent": own["browser"], "X-User": name}
        walkers.append(Walker(name, echo, mine, others if "site" in differ else mine, headers, chance))
    try:
        for walker in walkers:
            walker.open()
        for number in range(STEPS):
            walker, other = chance.sample(walkers, 2)
            walker.plain = number < STEPS / 2
            walker.step()
            apart(walker, other)
            assert not walker.plain or not walker.twins.reloads, "the page reloads"
    except Exception as err:
        for walker in walkers:
            err.add_note(f"{walker.name} at {walker.url}, lately: " + "; ".join(walker.history[-8:]))
        err.add_note(f"HOSTILE_SEED={SEED}")
        raise
    for walker in walkers:
        print(f"{walker.name}: {walker.reads} reads, {walker.tokens} tokens held, {walker.twins.reloads} reloads")
        assert walker.reads > STEPS / 40
        assert walker.tokens


def apart(walker, other):
    """Asserts that a walker got nothing of another's, and that its page is what it is without Dashstash, but for Stores."""
    for answer in walker.answers:
        assert f"{other.name} " not in answer.text, f"{walker.name} sees what is {other.name}'s: {answer.text[:500]}"
    walker.answers.clear()
    both = walker.twins.stashed.seen & other.twins.stashed.seen
    assert not both, f"both walkers have seen {both}"
    direct, stashed = walker.twins.direct, walker.twins.stashed
    stores = STORES.get(direct.path, {"kept.data"})
    wrong = {name: stashed.props.get(name) for name, value in direct.props.items()
             if name not in stores and stashed.props.get(name) != value}
    assert not wrong, f"on {walker.name}'s page, {compact(wrong)[:500]}"
    assert stashed.props.keys() == direct.props.keys()
