"""What Dashstash knows of an app: it outlives restarts, is asked for where it is lost, and follows the app's deployments."""

import shutil

from harness.caddy import stash
from harness.process import free_port
from harness.wire import Client, is_token

FIRST = ["kept.data", "table-later.data", "read-later.data", "only-first.data"]
SECOND = ["kept.data", "table-later.data", "read-later.data", "new.data"]
THREE = ["first.data", "second.data", "third.data", "status.children"]


def offloaded(client, outputs, inputs=("fill.n_clicks",)):
    """The outputs that are tokens."""
    values = client.outputs(outputs, {name: 1 for name in inputs})
    return {name for name, value in values.items() if is_token(value)}


def test_the_first_callback_after_a_restart(dash_app, proxy, tab):
    """The page that is open goes on, and what its next callback answers is offloaded again at once."""
    caddy = proxy(dash_app("keep_some.py"))
    tab.open(caddy.url)
    for lost in (False, True):
        caddy.stop()
        if lost:
            shutil.rmtree(caddy.data / "dash_stash")
        caddy.start()
        tab.forget()
        tab.click("#all")
        assert all(is_token(tab.callbacks[0].output(f"{name}.data")) for name in ("first", "second", "third"))
        tab.click("#read")
        assert tab.text("#report").startswith("1000 rows of click ")


def test_a_page_that_was_open_before_caddy(dash_app, proxy):
    """Callbacks of a page that this Caddy has never served are offloaded: the app is asked what it consists of."""
    caddy = proxy(dash_app("keep_some.py"))
    assert offloaded(Client(caddy.url), THREE, ["all.n_clicks", "second-only.n_clicks"]) == set(THREE[:3])


def test_a_redeploy_under_the_same_address(dash_app, proxy):
    """With the next page that is opened, other Stores are known: no table gets a token, and nothing the browser reads. So it
    is after a restart of Caddy, too."""
    first = dash_app("redeployed.py")
    caddy = proxy(first)
    client = Client(caddy.url, retries=5)
    client.open()
    assert offloaded(client, FIRST) == set(FIRST)
    first.stop()
    dash_app("redeployed.py", env={"DEPLOYMENT": "2"}, port=first.port)
    client.open()
    assert offloaded(client, SECOND) == {"kept.data", "new.data"}
    caddy.restart()
    assert offloaded(client, SECOND) == {"kept.data", "new.data"}


def test_a_redeploy_while_caddy_is_down(dash_app, proxy, tab):
    """What was saved of the deployment before does not count for a page of the new one."""
    first = dash_app("redeployed.py")
    caddy = proxy(first)
    tab.open(caddy.url)
    tab.click("#fill")
    caddy.stop()
    first.stop()
    dash_app("redeployed.py", env={"DEPLOYMENT": "2"}, port=first.port)
    caddy.start()
    tab.open(caddy.url)
    tab.click("#fill")
    tab.expect_text("#count", "1000 rows")
    last = tab.callbacks[-1]
    assert {name for name in SECOND if is_token(last.output(name))} == {"kept.data", "new.data"}


def test_two_apps_under_prefixes(dash_app, caddy):
    """Two apps behind one site do not mix, though each sees paths without its prefix; also after a restart."""
    apps = {
        "one": dash_app("keep_some.py", env=prefixed("one")),
        "two": dash_app("redeployed.py", env=prefixed("two")),
    }
    port = free_port()
    routes = "\n".join(f"handle_path /{name}/* {{\n{stash()}\nreverse_proxy 127.0.0.1:{app.port}\n}}" for name, app in apps.items())
    running = caddy(f"http://127.0.0.1:{port} {{\n{routes}\n}}\n", port)
    one, two = Client(running.url + "one/", retries=5), Client(running.url + "two/", retries=5)
    for _ in range(2):
        assert offloaded(two, FIRST) == set(FIRST)
        assert offloaded(one, THREE, ["all.n_clicks", "second-only.n_clicks"]) == set(THREE[:3])
        running.restart()


def prefixed(name):
    """The environment of an app whose pages are below a prefix that Caddy takes off."""
    return {"DASH_REQUESTS_PATHNAME_PREFIX": f"/{name}/", "DASH_ROUTES_PATHNAME_PREFIX": "/"}


def test_session_data_that_comes_back_after_a_restart(dash_app, proxy, tab):
    """The tokens of session and local Stores, which the browser keeps, are good after a restart and a reload of the page."""
    caddy = proxy(dash_app("storage_types.py"), "stores auto memory session local")
    tab.open(caddy.url)
    tab.click("#fill")
    caddy.restart()
    tab.reload()
    tab.forget()
    tab.click("#read")
    assert tab.text("#report") == "none 499500 499500 none none none"
    assert is_token(tab.callbacks[0].value("of-session.data"))
    tab.click("#fill")
    assert is_token(tab.callbacks[1].output("of-session.data"))
