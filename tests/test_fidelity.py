"""What an app gets back of a Store is what a browser would have sent, value by value: keys, their order, and int or float."""

from harness.compare import same_both_ways
from harness.wire import is_token

# What comes back in another form than it was sent in, in plain Dash too: without such cases, the test would say little.
CHANGED = {
    "to_dict dict", "to_dict index", "to_json index", "to_json columns", "columns of numbers", "counts", "groups", "keys", "numpy",
}


def test_real_documents(dash_app, proxy, new_tab):
    app = dash_app("fidelity.py", bodies=True)
    caddy = proxy(app, "min_size 1B")

    def steps(tab):
        tab.click("#load")
        tab.settle()
        return {text.split(":")[0]: text for text in tab.page.locator(".report").all_inner_texts()}

    direct, stashed = same_both_ways(app, caddy, new_tab, steps)
    assert len(direct.shown) == 26
    assert CHANGED <= {case for case, report in direct.shown.items() if "changed" in report}
    assert any("as sent" in report for report in direct.shown.values())
    loads = [e for e in stashed.tab.callbacks if '"kind":"data"' in e.request["output"]]
    assert len(loads) == len(direct.shown)
    for exchange in loads:
        [props] = exchange.response["response"].values()
        assert is_token(props["data"])
