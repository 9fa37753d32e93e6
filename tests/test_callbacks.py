"""Dash's own ways with callbacks: first calls, many at once, errors, spinners. They go on as without Dashstash."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from playwright.sync_api import expect

from harness.caddy import payloads
from harness.compare import same_both_ways
from harness.wire import Client, is_token, payload


@pytest.mark.parametrize("prevented", [False, True])
def test_A4_initial_callbacks(dash_app, proxy, new_tab, prevented):
    """An empty Store's callbacks get None and fire as often as without Dashstash, before data, after it and cleared."""
    app = dash_app("first_visit.py", bodies=True, env={"PREVENT": str(int(prevented))})
    caddy = proxy(app)

    def steps(tab):
        shown = []
        for button in ("#fill", "#fill", "#clear", "#fill"):
            tab.click(button)
            shown.append([tab.text("#first"), tab.text("#second")])
        return shown

    direct, stashed = same_both_ways(app, caddy, new_tab, steps)
    assert direct.shown[-1][0].startswith("untouched, then 1000" if prevented else "untouched, then None, then")
    assert is_token(stashed.tab.callbacks[-1].value("store.data"))


def test_A5_what_json_cannot_hold(dash_app, proxy, new_tab):
    """A callback returns a set: the app's own 500 reaches the browser whole, and nothing is stored."""
    check_mistake(dash_app, proxy, new_tab, "#set")


def test_A23_wrong_number_of_outputs(dash_app, proxy, new_tab):
    """A callback returns too many values: Dash's error passes, and the tokens from before still open."""
    check_mistake(dash_app, proxy, new_tab, "#three")


def check_mistake(dash_app, proxy, new_tab, button):
    app = dash_app("mistakes.py", bodies=True)
    caddy = proxy(app)
    failures = []

    def steps(tab):
        tab.allow(r"status of 500 .*_dash-update-component|console error: .*Callback error updating")
        tab.click("#load")
        kept = payloads(caddy.data)
        tab.click(button)
        assert payloads(caddy.data) == kept
        failures.append(tab.callbacks[-1])
        tab.click("#read")
        tab.expect_text("#report", "499500 and 1499500")
        return [re.sub(r"http:[^ )]*", "", problem).lower() for problem in tab.console]

    direct, stashed = same_both_ways(app, caddy, new_tab, steps)
    assert is_token(stashed.tab.callbacks[-1].value("first.data"))
    plain, ours = failures
    assert plain.status == ours.status == 500
    assert ours.response_body == plain.response_body and len(plain.response_body) > 100
    assert ours.headers["content-type"] == plain.headers["content-type"]


def test_A14_the_same_callback_graph(dash_app, proxy, new_tab):
    """Fifty callbacks, four deep: each fires as often as without Dashstash, and Dash's dev tools show no error."""
    app = dash_app("fifty_callbacks.py", bodies=True)
    caddy = proxy(app)

    def steps(tab):
        tab.click("#load")
        expect(tab.page.locator(".dash-debug-menu__outer")).to_have_count(1)
        assert tab.page.locator(".test-devtools-error-count").count() == 0
        return tab.page.locator("p").all_inner_texts()

    direct, stashed = same_both_ways(app, caddy, new_tab, steps)
    assert len({output for output, *_ in direct.callbacks}) == 50
    assert "1030 numbers, sum 3030, from store-0-3" in direct.shown
    filled = [e for e in stashed.tab.callbacks if e.request["output"] == "store-0-3.data"][-1]
    assert is_token(filled.value("store-0-2.data")) and is_token(filled.output("store-0-3.data"))


def test_A15_many_first_requests_at_once(dash_app, proxy):
    """The first twenty visits come at the same moment, and all callbacks of each succeed."""
    caddy = proxy(dash_app("fifty_callbacks.py"))

    def visit(_):
        client = Client(caddy.url)
        client.open()
        zeros = client.outputs(["store-0-0.data"], {"load.n_clicks": 1})["store-0-0.data"]
        ones = client.outputs(["store-0-1.data"], {"store-0-0.data": zeros})["store-0-1.data"]
        assert is_token(zeros) and is_token(ones)
        return client.outputs(["text-0-1.children"], {"store-0-1.data": ones})["text-0-1.children"]

    with ThreadPoolExecutor(20) as visitors:
        assert set(visitors.map(visit, range(20))) == {"1010 numbers, sum 1000, from store-0-1"}


def test_A20_spinner(dash_app, proxy, new_tab):
    """dcc.Loading shows its spinner while a Store inside it is being loaded, and takes it away afterwards."""
    app = dash_app("spinner.py", bodies=True)
    caddy = proxy(app)

    def steps(tab):
        spinner = tab.page.locator(".dash-spinner")
        expect(spinner).to_have_count(0)
        tab.page.click("#load")
        expect(spinner).to_be_visible()
        requests.get(app.url + "go", timeout=10)
        tab.expect_text("#report", "sum 12497500")
        expect(spinner).to_have_count(0)

    direct, stashed = same_both_ways(app, caddy, new_tab, steps)
    assert is_token(stashed.tab.callbacks[-1].value("store.data"))


def test_an_app_that_is_down(dash_app, proxy):
    """A callback that cannot reach the app gets Caddy's 502, and works again when the app is back."""
    app = dash_app("two_places.py")
    caddy = proxy(app)
    client = Client(caddy.url)
    client.open()
    outputs = ["quick.data", "lasting.data"]
    stores = client.outputs(outputs, {"fill.n_clicks": 1})
    assert all(is_token(value) for value in stores.values())
    app.stop()
    caddy.allow("connection refused|connection reset|EOF")
    assert client.call(outputs, {"fill.n_clicks": 2}).status_code == 502
    app.start()
    assert client.outputs(["report.children"], {"read.n_clicks": 1}, stores) == {
        "report.children": "quick 1000, lasting 2000"}


def test_a_request_that_is_no_json(dash_app, proxy):
    """Garbage in a callback's request, with a token in it, is the app's to refuse, as without Dashstash."""
    app = dash_app("two_places.py")
    caddy = proxy(app)
    garbage = payload(["report.children"], {"read.n_clicks": 1}, {"quick.data": "x"}).replace('"x"', "{]")
    statuses = [requests.post(url + "_dash-update-component", data=garbage, headers={"Content-Type": "application/json"},
                              timeout=10).status_code for url in (app.url, caddy.url)]
    assert statuses[0] == statuses[1] >= 400
