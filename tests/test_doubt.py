"""A Patch of an app of which all that was known is lost, while its page is open: what the browser holds may be a token, or have
records of Patches beside it."""

import pytest

from harness.caddy import payloads
from harness.page import Lost, Missed, Page


@pytest.mark.parametrize("inline", [True, False])
def test_a_patch_that_is_in_doubt(dash_app, proxy, inline):
    """Such a Patch does not reach the browser, which would apply it to the token, or beside the records, and make wrong data of it:
    the page reloads, and works. Here, what was saved of the app is gone, and the app is away for Caddy's first request."""
    app = dash_app("chaos.py")
    caddy = proxy(app)
    caddy.allow('"status":50[23]')
    page = Page("page", [caddy.url], 1)
    page.open()
    page.fill()
    while page.count["Stores inline" if inline else "Stores as tokens"] < 2:
        page.fill()
    page.extend()
    page.read()
    caddy.stop()
    folder = caddy.data / "dash_stash"
    for file in set(folder.rglob("*.payload")) - set(payloads(folder)):
        file.unlink()
    app.stop()
    caddy.start()
    with pytest.raises(Lost):
        page.read()
    app.start()
    with pytest.raises(Missed, match="reload"):
        page.extend()
    page.reload()
    assert page.works()
    page.close()
