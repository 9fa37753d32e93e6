"""The harness itself, on plain Dash and plain Caddy: what it records must be right, and what goes wrong must be seen."""

import pytest
import requests

from harness.caddy import site
from harness.process import Process, free_port, wait_until
from harness.relay import Relay

TOKEN = "A" * 80


def test_records_what_crosses_the_wire(dash_app, proxy, tab):
    app = dash_app("three_stores.py", bodies=True)
    tab.open(proxy(app, directives="").url)
    tab.expect_text("#summary", "nothing loaded")
    tab.forget()
    tab.click("#load")
    tab.expect_text("#summary", "5000 rows, last name 4999, sum of halves 6248750.0")

    load, draw = tab.callbacks
    assert load.output("rows.data")[2] == {"n": 2, "half": 1}
    assert draw.value("rows.data") == load.output("rows.data")
    assert load.bytes_down > len(load.response_body) > 100_000
    assert draw.bytes_up == len(draw.request_body.encode()) == int(draw.request_headers["content-length"])
    assert app.received()[-1].json() == draw.request
    assert tab.figure("graph")["data"][0]["y"][:3] == [0, 1, 4]


def test_two_tabs_of_one_user_and_another_user(dash_app, new_tab):
    app = dash_app("three_stores.py")
    first, other = new_tab(), new_tab()
    second = new_tab(beside=first)
    first.open(app.url)
    second.open(app.url)
    other.open(app.url)
    first.page.evaluate("localStorage.setItem('mark', 'here')")
    second.page.wait_for_function("localStorage.getItem('mark') === 'here'")
    assert other.page.evaluate("localStorage.getItem('mark')") is None


def test_slow_link_slows_both_directions(dash_app, tab):
    tab.open(dash_app("three_stores.py").url)
    tab.slow_link(megabits=8, latency_ms=20)
    tab.forget()
    started = tab.page.evaluate("performance.now()")
    tab.click("#load")
    seconds = (tab.page.evaluate("performance.now()") - started) / 1000
    megabytes = sum(callback.bytes_down + callback.bytes_up for callback in tab.callbacks) / 1e6
    assert seconds > 0.9 * megabytes


def test_sees_complaints_of_the_page(dash_app, tab):
    tab.open(dash_app("three_stores.py").url)
    tab.page.evaluate("console.warn('hm'); console.error('oh'); setTimeout(() => { throw Error('bang') })")
    wait_until(lambda: tab.page.evaluate("true") and len(tab.complaints()) == 3, "three complaints")
    tab.allow("hm|oh|bang")
    assert tab.complaints() == []


@pytest.mark.parametrize("value", [{"$dashstash": TOKEN}, {"rows": [], "$dashstash_patches": [[TOKEN, 1], [TOKEN, 2]]}])
def test_sees_a_token_that_reaches_the_app(dash_app, value):
    app = dash_app("three_stores.py")
    requests.post(app.url + "_dash-update-component", json={"inputs": [{"value": value}]}, timeout=10)
    assert [entry.token for entry in app.received()] == [True]
    assert "a Dashstash token reached app three_stores.py" in app.complaints()[0]
    app.forget()


def test_sees_errors_in_the_log_of_caddy(dash_app, proxy):
    app = dash_app("three_stores.py")
    caddy = proxy(app, directives="")
    app.stop()
    assert requests.get(caddy.url, timeout=10).status_code == 502
    wait_until(lambda: len(caddy.complaints()) > 0, "the complaint")
    caddy.allow("connection refused")
    assert caddy.complaints() == []


def test_reload_and_restart_of_caddy(dash_app, caddy):
    app, port = dash_app("three_stores.py"), free_port()
    running = caddy(site(port, f"127.0.0.1:{app.port}", "header X-Try 1"), port)
    assert requests.get(running.url, timeout=10).headers["X-Try"] == "1"
    running.reload(site(port, f"127.0.0.1:{app.port}", "header X-Try 2"))
    assert requests.get(running.url, timeout=10).headers["X-Try"] == "2"
    running.restart()
    assert requests.get(running.url, timeout=10).headers["X-Try"] == "2"
    with pytest.raises(RuntimeError, match="unrecognized directive: nonsense"):
        running.reload(site(port, "127.0.0.1:1", "nonsense"))


def test_a_process_ends_with_all_its_children(tmp_path):
    child = Process("shell", ["sh", "-c", "sleep 1000 & echo $!; wait"], tmp_path / "log")
    child.wait_ready(lambda: child.log().strip().isdigit())
    child.stop()
    wait_until(lambda: not process_exists(int(child.log())), "the child to end")
    assert not child.died


def test_a_process_that_dies_at_once_shows_its_log(tmp_path):
    child = Process("shell", ["sh", "-c", "echo no such luck; exit 3"], tmp_path / "log")
    with pytest.raises(RuntimeError, match="(?s)shell ended with status 3.*no such luck"):
        child.wait_ready(lambda: False)


def process_exists(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_relay(dash_app):
    """It passes on all, or nothing for a while, or a part; and the other side breaking off is a reset."""
    app = dash_app("three_stores.py")
    relay = Relay(app.port)
    try:
        url = f"http://127.0.0.1:{relay.port}/_dash-layout"
        whole = requests.get(app.url + "_dash-layout").content
        with requests.Session() as session:
            assert session.get(url).content == whole
            relay.stall()
            with pytest.raises(requests.Timeout):
                session.get(url, timeout=0.3)
            relay.flow()
            relay.delay(0.2)
            assert session.get(url).elapsed.total_seconds() > 0.3
            relay.delay(0)
            for after, abruptly, cause in ((300, True, "reset"), (600, False, "Incomplete")):
                assert session.get(url).content == whole
                relay.tear(after, abruptly)
                with pytest.raises(requests.RequestException, match=cause):
                    session.get(url, timeout=5)
        app.process.kill()
        with pytest.raises(requests.ConnectionError):
            requests.get(url)
        app.start()
        assert requests.get(url).content == whole
    finally:
        relay.stop()
