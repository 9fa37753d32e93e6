"""What a Store holds, and what stands beside it: Stores' data alone goes to the storage, and the app sees it whole."""

import json
import re

from harness.caddy import block, payloads, set_back
from harness.compare import same_both_ways
from harness.wire import compact, is_token


def test_A8_only_stores(dash_app, proxy, new_tab):
    """A Store's data is offloaded; a figure, children and a table's data of that size come to the browser as they are."""
    app = dash_app("all_kinds.py", bodies=True)
    caddy = proxy(app)

    def steps(tab):
        tab.click("#load")
        tab.expect_text("#report", "store 300, points 300, table 300, equal True")
        return tab.page.locator("#list").inner_text(), tab.figure("graph")["data"]

    direct, stashed = same_both_ways(app, caddy, new_tab, steps)
    plain, ours = (response_of(visit.tab, "store.data") for visit in (direct, stashed))
    assert is_token(ours.pop("store")["data"])
    assert len(plain.pop("store")["data"]) == 300
    assert ours == plain
    assert min(len(compact(props)) for props in ours.values()) > 5000


def response_of(tab, output):
    """The answer of the last callback that sets this output."""
    return [e for e in tab.callbacks if output in e.request["output"]][-1].response["response"]


def test_A21_no_update_keeps_a_token(dash_app, proxy, new_tab):
    """Three Stores get three tokens in one answer, other outputs stay as they are, and a Store without an update keeps
    its token, which still opens."""
    app = dash_app("keep_some.py", bodies=True)
    caddy = proxy(app)

    def steps(tab):
        shown = []
        for button in ("#all", "#read", "#second-only", "#read"):
            tab.click(button)
            shown.append((tab.text("#status"), tab.text("#report")))
        return shown

    direct, stashed = same_both_ways(app, caddy, new_tab, steps)
    assert direct.shown[-1] == (
        "only the second", "1000 rows of click 1; 1000 rows of click 2; 998 rows of click 1")
    fill, read, only_second, read_again = stashed.tab.callbacks
    tokens = [fill.output(f"{name}.data") for name in ("first", "second", "third")]
    assert all(is_token(token) for token in tokens) and len({compact(token) for token in tokens}) == 3
    assert fill.output("status.children") == "all"
    assert list(only_second.response["response"]) == ["second", "status"]
    assert [read_again.value(f"{name}.data") for name in ("first", "third")] == [tokens[0], tokens[2]]


def test_A22_values_that_are_no_tokens(dash_app, proxy, new_tab):
    """In a request with a token, all that is no token reaches the app byte for byte, in order; without one, all does."""
    app = dash_app("many_inputs.py", bodies=True)
    caddy = proxy(app)

    def steps(tab):
        shown = []
        for button in ("#other", "#load", "#other"):
            tab.click(button)
            shown.append(tab.text("#report"))
        return shown

    direct, stashed = same_both_ways(app, caddy, new_tab, steps)
    assert "漢字" in direct.shown[0]
    sent = [e for e in stashed.tab.callbacks if e.request["output"] == "report.children"]
    received = [entry.body for entry in app.received() if entry.json()["output"] == "report.children"]
    tokens = []
    for exchange, body in zip(sent, received, strict=True):
        before, token, after = re.fullmatch(
            r'(.*?)(\{"\$dashstash":"[\w-]{80}"\}|\Z)(.*)', exchange.request_body, re.DOTALL).groups()
        assert body.startswith(before) and body.endswith(after)
        restored = body[len(before):len(body) - len(after)]
        assert json.loads(restored)[-1] == {"n": 999, "text": 'ä"\\'} if token else restored == ""
        tokens.append(token)
    assert [bool(token) for token in tokens] == [False, False, True, True]


def test_A24_one_callback_reads_three_stores(dash_app, proxy, new_tab):
    """All Stores of a request are put back: ctx holds real data, and the figure is that of the direct visit."""
    app = dash_app("figure.py", bodies=True)
    caddy = proxy(app)

    def steps(tab):
        tab.click("#load")
        tab.expect_text("#context", re.compile("x.data"))
        figure = tab.figure("graph")
        return json.loads(tab.text("#context")), figure["data"], figure["layout"]["title"]  # the rest depends on timing

    direct, stashed = same_both_ways(app, caddy, new_tab, steps)
    (triggered, inputs, states), [line], title = direct.shown
    assert {entry["prop_id"] for entry in triggered} == {"x.data", "y.data"}
    assert len(inputs["x.data"]) == len(line["y"]) == 500 and title["text"] == "500 points"
    assert states["labels.data"]["499"] == "label 499"
    draw = stashed.tab.callbacks[-1]
    assert all(is_token(draw.value(f"{name}.data")) for name in ("x", "y", "labels"))


def test_A32_new_data_on_each_refresh(dash_app, proxy, new_tab):
    """Fifty refreshes, eight callbacks each: all of them see the newest data, and old data makes room for new, once it is a minute
    that nobody has used it."""
    app = dash_app("fan_out.py")
    caddy = proxy(app, block("storage file", "max_size 700KiB"))
    tab = new_tab(bodies=False)
    tab.open(caddy.url)
    sums = [sum(range(part, 4000, 8)) for part in range(8)]
    for version in range(1, 51):
        tab.click("#refresh")
        assert tab.page.locator("p").all_inner_texts() == [
            f"version {version}, sum {500 * 1000 * version + part}" for part in sums]
        if version == 25:
            caddy.stop()
            set_back(payloads(caddy.data), 5)
            caddy.start()
    assert len(tab.callbacks) == 50 * 9
    assert sum(e.bytes_up for e in tab.callbacks) < 50 * 9 * 500
    sizes = [file.stat().st_size for file in payloads(caddy.data)]
    assert 25 <= len(sizes) < 50 and sum(sizes) - 8 * len(sizes) <= 700 << 10
