"""What the admin endpoint, the metrics and Server-Timing say: that it is so, and that they agree."""

import json
import re

import pytest
import requests

from harness.admin import Admin, difference
from harness.caddy import site, stash
from harness.process import free_port, wait_until
from harness.wire import Client, compact, figures, payload

TOKEN_LENGTH = len('{"$dashstash":""}') + 80


def summed(tab) -> dict[str, int]:
    """Server-Timing of all callbacks of a tab."""
    total = {}
    for entry in map(lambda exchange: figures(exchange.headers), tab.callbacks):
        for name, number in entry.items():
            total[name] = total.get(name, 0) + number
    return total


@pytest.mark.parametrize("options", ["", "dry_run"])
def test_all_figures_agree(options, dash_app, proxy, tab):
    """Status, metrics, Server-Timing, and what the browser itself has counted, of the same clicks."""
    caddy = proxy(dash_app("three_stores.py"), options)
    admin, mode = Admin(caddy.admin_port), "dry_run" if options else "live"
    tab.open(caddy.url)
    tab.forget()
    before, metrics = admin.status(), admin.metrics()
    tab.click("#load")
    tab.click("#load")
    status, metrics = difference(before, admin.status())[mode], difference(metrics, admin.metrics())

    up, down = (sum(sizes) for sizes in zip(*((e.bytes_up, len(e.response_body)) for e in tab.callbacks), strict=True))
    counted = "without" if options else "with"
    assert (status["up"][counted], status["down"][counted]) == (up, down)
    assert status["callbacks"] == len(tab.callbacks) == 4
    assert status["saved"] == {way: status[way]["without"] - status[way]["with"] for way in ("up", "down")}
    assert status["saved"]["up"] > 300_000 < status["saved"]["down"]
    assert status["offloaded"] == status["restored"]
    assert status["offloaded"]["values"] == 6
    assert 0 < status["seconds"]["own"] < status["seconds"]["total"]

    for way in ("up", "down"):
        assert metrics[f'bytes_total{{direction="{way}",mode="{mode}"}}'] == status[way]["with"]
        assert metrics[f'plain_bytes_total{{direction="{way}",mode="{mode}"}}'] == status[way]["without"]
    for outcome in ("offloaded", "restored"):
        assert metrics[f'values_total{{mode="{mode}",outcome="{outcome}"}}'] == status[outcome]["values"]
        assert metrics[f'value_bytes_total{{mode="{mode}",outcome="{outcome}"}}'] == status[outcome]["bytes"]
    assert metrics[f'callbacks_total{{mode="{mode}"}}'] == status["callbacks"]
    assert metrics[f'callback_seconds_count{{mode="{mode}"}}'] == status["callbacks"]
    assert metrics[f'callback_seconds_sum{{mode="{mode}"}}'] == pytest.approx(status["seconds"]["total"])

    timing = summed(tab)
    if not options:
        assert timing["saved_bytes"] == sum(status["saved"].values())
        assert (timing["stored"], timing["stored_bytes"]) == tuple(status["offloaded"].values())
        assert (timing["restored"], timing["restored_bytes"]) == tuple(status["restored"].values())
    (app,) = admin.status()["apps"]
    assert app["mode"] == mode
    assert app["figures"]["saved"] == {way: sum(store["figures"]["saved"][way] for store in app["stores"]) for way in ("up", "down")}


def test_a_dry_run_tells_what_a_run_saves(dash_app, proxies, new_tab):
    """The same clicks, in a dry run and not: what would be saved is what is saved, for each Store."""
    caddy, (dry, live) = proxies(dash_app("three_stores.py"), "dry_run", "")
    for url in (dry, live):
        tab = new_tab()
        tab.open(url)
        tab.click("#load")
        tab.click("#load")
    would, did = sorted(Admin(caddy.admin_port).status()["apps"], key=lambda app: app["mode"])
    assert (would["mode"], did["mode"]) == ("dry_run", "live")
    for app in (would, did):
        app["saved"] = {store["id"]: store["figures"]["saved"] for store in app["stores"]}
        assert [store["decision"] for store in app["stores"]] == 3 * ["offloaded"]
    assert would["saved"] == did["saved"]
    assert would["figures"]["up"] == did["figures"]["up"]
    assert would["figures"]["down"] == did["figures"]["down"]
    assert "would" in would["stores"][0]["explanation"]
    assert not tab.page.evaluate("JSON.stringify({...sessionStorage, ...localStorage})").count("$dashstash")


def test_each_reason_is_told(dash_app, proxy, tab):
    """Why a Store is in the browser: one of each kind."""
    caddy = proxy(dash_app("reasons.py"), "exclude excluded*\nmax_payload 50KB")
    admin = Admin(caddy.admin_port)
    tab.open(caddy.url)
    tab.click("#go")
    explained = {store_id: admin.store(store_id) for store_id in
                 ("kept", "drawn", "local", "excluded-1", "small", "number", "huge", '{"index":1,"type":"df"}')}
    reasons = {store_id: (store["decision"], store["reason"], list(store["figures"]["inline"])) for store_id, store in explained.items()}
    assert reasons == {
        "kept": ("offloaded", "offloaded", []),
        "drawn": ("inline", "clientside", ["clientside"]),
        "local": ("inline", "storage_type", ["storage_type"]),
        "excluded-1": ("inline", "excluded", ["excluded"]),
        "small": ("offloaded", "offloaded", ["below_min_size"]),
        "number": ("offloaded", "offloaded", ["no_container"]),
        "huge": ("offloaded", "offloaded", ["above_max_payload"]),
        '{"index":1,"type":"df"}': ("offloaded", "offloaded", []),
    }
    assert explained["drawn"]["clientside"] == "shown.draw -> drawing.children"
    assert "shown.draw -> drawing.children" in explained["drawn"]["explanation"]
    assert "exclude" in explained["excluded-1"]["explanation"]
    assert "stores auto memory local" in explained["local"]["explanation"]
    assert "min_size (1.0 KiB)" in explained["small"]["explanation"]
    sizes = {store_id: store["last_bytes"] for store_id, store in explained.items()}
    assert sizes["drawn"] == len(compact(list(range(2000))))
    assert sizes["small"] == len(compact([1, 2]))
    assert admin.get("store", id="Kept_") == {"stores": [], "similar": ["kept"]}
    assert admin.get("store", id="nothing-like-it") == {"stores": [], "similar": []}
    metrics = admin.metrics()
    for reason in ("clientside", "storage_type", "excluded", "below_min_size", "no_container", "above_max_payload"):
        assert metrics[f'inline_total{{mode="live",reason="{reason}"}}'] == 1, reason


def test_not_named(dash_app, proxy, tab):
    caddy = proxy(dash_app("three_stores.py"), "stores rows")
    tab.open(caddy.url)
    tab.click("#load")
    assert Admin(caddy.admin_port).store("rows")["reason"] == "offloaded"
    assert Admin(caddy.admin_port).store("names")["reason"] == "not_selected"


def test_misses_are_told_by_cause(dash_app, proxy):
    """Gone, and made by somebody else."""
    caddy = proxy(dash_app("three_stores.py"), "on_missing null")
    client, admin = Client(caddy.url), Admin(caddy.admin_port)
    client.open()
    rows = client.outputs(["rows.data", "squares.data", "names.data"], {"load.n_clicks": 1})["rows.data"]
    forged = json.loads(json.dumps(rows).replace(rows["$dashstash"][-4:], "AAAA"))
    admin.purge(store="rows")
    for token in (rows, forged):
        client.call(["summary.children", "graph.figure"], {"rows.data": token})
    newest, before = admin.status()["misses"]
    assert (newest["cause"], newest["store"]) == ("unreadable", "rows")
    assert (before["cause"], before["store"]) == ("gone", "rows")
    metrics = admin.metrics()
    assert metrics['misses_total{cause="gone"}'] == metrics['misses_total{cause="unreadable"}'] == 1


def test_counters_live_through_reloads(dash_app, proxy, tab):
    """A reload keeps all figures; and from then on the new options are told, before anybody calls."""
    app = dash_app("three_stores.py")
    caddy = proxy(app)
    admin = Admin(caddy.admin_port)
    tab.open(caddy.url)
    tab.click("#load")
    before, metrics = admin.status(), admin.metrics()
    caddy.reload(site(int(caddy.url[:-1].rsplit(":")[-1]), f"127.0.0.1:{app.port}", stash("exclude rows")))
    after = admin.status()
    assert (after["live"], after["since"]) == (before["live"], before["since"])
    assert difference(metrics, admin.metrics()) == {}
    assert admin.store("rows")["reason"] == "excluded"


def test_storages_are_told(dash_app, proxy, tab, tmp_path):
    caddy = proxy(dash_app("three_stores.py"), f"storage file {tmp_path}/stash {{\nmax_size 10MB\nmax_entries 3\n}}")
    tab.open(caddy.url)
    for _ in range(3):
        tab.click("#load")
    (told,) = Admin(caddy.admin_port).status()["storages"]
    assert (told["storage"], told["place"], told["available"]) == ("file", f"{tmp_path}/stash", True)
    assert (told["max_bytes"], told["max_entries"]) == (10_000_000, 3)
    assert told["entries"] == 3
    metrics = Admin(caddy.admin_port).metrics()
    assert metrics['storage_entries{storage="file"}'] == 3
    assert metrics['storage_bytes{storage="file"}'] == told["bytes"] > 100_000
    assert metrics['storage_max_bytes{storage="file"}'] == 10_000_000
    assert metrics['storage_circuit_open{storage="file"}'] == 0
    assert metrics['storage_operation_seconds_count{operation="put",outcome="ok",storage="file"}'] >= 3


# The admin endpoint itself

def test_errors_are_caddys(dash_app, proxy):
    caddy = proxy(dash_app("three_stores.py"))
    url = Admin(caddy.admin_port).page
    for method, path, options, status, words in (
        ("POST", "status", {}, 405, "use GET"),
        ("GET", "purge", {}, 405, "use POST"),
        ("GET", "store", {}, 400, "give its id"),
        ("GET", "nothing", {}, 404, "there is no /dash_stash/nothing"),
        ("POST", "purge", {"data": "all"}, 415, "application/json"),
        ("POST", "purge", {"json": {}}, 400, "purge what?"),
        ("POST", "purge", {"json": {"everything": True}}, 400, "everything"),
        ("POST", "purge", {"json": {"all": True, "app": "x"}}, 400, "leave it out"),
        ("POST", "purge", {"json": {"older_than": "soon"}}, 400, "is not a duration"),
        ("POST", "purge", {"json": {"namespace": "x"}}, 404, 'no dash_stash has the namespace "x"'),
        ("POST", "purge", {"json": {"app": "x"}}, 404, 'no app "x" has been seen'),
    ):
        response = requests.request(method, url + path, timeout=10, **options)
        assert (response.status_code, words in response.json()["error"]) == (status, True), (method, path, response.text)
    caddy.allow("request error")


def test_without_dash_stash(dash_app, proxy):
    caddy = proxy(dash_app("three_stores.py"), directives="")
    response = requests.get(Admin(caddy.admin_port).page + "status", timeout=10)
    assert (response.status_code, "no dash_stash is configured" in response.json()["error"]) == (404, True)
    assert not any("storage" in name for name in Admin(caddy.admin_port).metrics())
    caddy.allow("request error")


def test_caddys_protections_hold(dash_app, proxy):
    """Other sites cannot ask, nor purge, nor frame the page; the page itself can."""
    caddy = proxy(dash_app("three_stores.py"))
    url = Admin(caddy.admin_port).url
    refused = [
        {"Origin": "https://evil.example"}, {"Host": "evil.example"}, {"Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Mode": "navigate"}, {"Referer": "https://evil.example/", "Sec-Fetch-Mode": "cors"},
    ]
    for headers in refused:
        for method, path in (("GET", "status"), ("GET", ""), ("GET", "events"), ("POST", "purge")):
            response = requests.request(method, url + "dash_stash/" + path, headers=headers, json={"all": True}, timeout=10)
            assert response.status_code in (400, 403), (headers, path)
    page = requests.get(url + "dash_stash/", headers={"Sec-Fetch-Mode": "navigate", "Referer": url}, timeout=10)
    assert page.ok
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    caddy.allow("request error")


def test_watching_does_not_keep_caddy(dash_app, proxy):
    """Who watches the events neither holds up a reload nor the end of Caddy."""
    app = dash_app("three_stores.py")
    caddy = proxy(app)
    with requests.get(Admin(caddy.admin_port).page + "events", stream=True, timeout=10) as events:
        lines = events.iter_lines()
        assert json.loads(next(lines).removeprefix(b"data: "))["live"]["callbacks"] == 0
        caddy.reload()
        wait_until(lambda: next(lines, None) is None, "the events to end", timeout=5)
    with requests.get(Admin(caddy.admin_port).page + "events", stream=True, timeout=10) as events:
        next(events.iter_lines())
        caddy.process.stop(patience=5)  # kills it after that, and then there is no last word
    assert caddy.logs(message="shutdown complete")
