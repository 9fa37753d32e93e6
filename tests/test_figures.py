"""What Dashstash saves can be seen: in the demo's table, in the browser's own tools, in Dash's."""

import os
import re
import subprocess
import sys

from playwright.sync_api import expect

from harness.app import TESTS
from harness.process import free_port
from harness.wire import compact, figures

GRAPH = "document.querySelector('.__________cytoscape_container')?._cyreg?.cy.nodes().length > 0"
TAP_CALLBACK = """output => {
    const nodes = document.querySelector('.__________cytoscape_container')._cyreg.cy.nodes();
    nodes.filter(node => node.id().includes(output)).emit('tap');
}"""


def test_A9_demo():
    """The demo runs from start to table with one command, shows the same page both ways, and saves most of the bytes."""
    done = subprocess.run([sys.executable, TESTS / "demo" / "demo.py"], text=True, timeout=110,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**os.environ, "ONCE": "1", "PORT": str(free_port())})
    assert done.returncode == 0, done.stdout
    assert "equal both ways" in done.stdout
    for line in ("bytes down", "bytes up"):
        plain, ours = (int(number.replace(",", "")) for number in
                       re.search(rf"^{line} +([\d,]+) +([\d,]+)", done.stdout, re.MULTILINE).groups())
        assert plain > 5_000_000
        assert ours < plain / 20


def test_A10_figures_in_server_timing(dash_app, proxy, tab):
    """Each callback's answer says how many payloads, of how many bytes, were stored and put back."""
    caddy = proxy(dash_app("dev_tools.py"))
    tab.open(caddy.url)
    tab.click("#load")
    load, draw = tab.callbacks[-2:]
    stored = figures(load.headers)
    restored = figures(draw.headers)
    sizes = {name: len(compact(value)) for name, value in what_load_returns().items()}
    assert (stored["stored"], stored["stored_bytes"]) == (3, sum(sizes.values()))
    assert (restored["restored"], restored["restored_bytes"]) == (3, sum(sizes.values()))
    assert stored["restored"] == restored["stored"] == stored["missed"] == restored["missed"] == 0
    assert draw.bytes_up < 1000 < 200_000 < restored["restored_bytes"]


def what_load_returns():
    """What three_stores.py puts into its Stores at the first click, as a browser would send it back."""
    return {
        "rows": [{"n": n, "half": n // 2 if n % 2 == 0 else n / 2} for n in range(5000)],
        "squares": {"square": [n * n for n in range(5000)]},
        "names": [f"name {n}" for n in range(5000)],
    }


def test_A10_figures_in_dash_dev_tools(dash_app, proxy, tab):
    """The callback graph in Dash's own dev tools shows the time that Dashstash took, and the bytes that it saved."""
    caddy = proxy(dash_app("dev_tools.py"))
    tab.allow("style value of `label` is deprecated|Support for defaultProps will be removed")  # by Dash's own tools
    tab.open(caddy.url)
    tab.click("#load")
    tab.page.get_by_role("button", name="Callbacks").click()
    info = tab.page.locator(".dash-callback-dag--info")
    tab.page.wait_for_function(GRAPH)
    tab.page.evaluate(TAP_CALLBACK, "..rows.data...squares.data...names.data..")
    info.get_by_text("time (avg milliseconds)").click()
    expect(info).to_contain_text(re.compile(r"dash_stash\W*\d"))
    saved = figures(tab.callbacks[-2].headers)["saved_bytes"]
    assert saved > 100_000
    expect(info).to_contain_text(re.compile(rf"dash_stash_saved_bytes\W*{saved}\D"))
    info.get_by_text("data transfer (avg bytes)").click()
    expect(info).to_contain_text(re.compile(rf"download\W*{len(tab.callbacks[-2].response_body)}upload"))
