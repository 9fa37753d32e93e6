"""The live page in states that a real Caddy takes long to get into, or cannot be made to: its status is made up here."""

import re

import pytest
from playwright.sync_api import expect

from harness.axe import violations
from harness.fake_admin import FakeAdmin, app, figures, stamp, status, storage, store

LONG = "an-id-that-somebody-has-made-with-a-generator-" * 6
LOOKS = [(width, theme) for width in (360, 1280) for theme in ("light", "dark")]


def saving(callbacks, **more):
    """Figures of so many callbacks, each of which saves 99 kB down and 199 kB up."""
    return figures(callbacks=callbacks, up={"with": callbacks * 1000, "without": callbacks * 200_000},
                   down={"with": callbacks * 1000, "without": callbacks * 100_000},
                   saved={"up": callbacks * 199_000, "down": callbacks * 99_000},
                   offloaded={"values": callbacks, "bytes": callbacks * 99_000},
                   seconds={"callbacks": callbacks, "total": callbacks * 0.08, "own": callbacks * 0.003}, **more)


def kept(name, saved=0, **more):
    return store(name, last_bytes=2000, figures=figures(saved={"up": saved, "down": 0}), **more)


def usual():
    """An app with a Store of most sorts."""
    return [kept("frame", 3000), kept("squares", 1000), kept('{"index":3,"type":"df"}', 2000),
            store("drawn", "clientside", clientside="clientside.draw -> graph.figure"), store("kept", "storage_type", storage_type="session"),
            store("settings", "excluded")]


def misses():
    return [{"time": stamp(), "app": "localhost:8080/", "namespace": "", "store": name, "cause": cause}
            for name, cause in (("frame", "gone"), ("", "unreadable"), ("frame", "damaged"), ("frame", "damaged"))]


STATES = {
    "live": lambda: status(app(*usual(), figures=saving(12)), live=saving(12), misses=misses()),
    "no app": lambda: status(),
    "dry run": lambda: status(app(*usual(), mode="dry_run"), dry_run=saving(5)),
    "both": lambda: status(app(*usual(), namespace="large"), app(*usual(), mode="dry_run"), live=saving(12), dry_run=saving(5)),
    "200 Stores": lambda: status(app(*[kept(f"store-{number}", number) for number in range(200)]), live=saving(12)),
    "long ids": lambda: status(app(kept(LONG), kept(f'{{"index":"{LONG}"}}')), app(name=LONG, namespace=LONG), live=saving(12),
                               misses=[{**miss, "app": LONG, "store": LONG} for miss in misses()],
                               storages=[storage(place="/" + LONG)]),
    "storage down": lambda: status(app(*usual()), live=saving(12), storages=[
        storage(storage="redis", max_bytes=0, bytes=None, entries=None, evicted=None, expired=None, available=False), storage()]),
}


@pytest.fixture
def admin(started):
    """admin(status) -> FakeAdmin that sends it."""
    admins = []

    def start(made_up):
        admins.append(FakeAdmin(made_up))
        started.append(admins[-1])
        return admins[-1]

    yield start
    for each in admins:
        each.stop()


@pytest.fixture
def live(admin, new_tab):
    """live(status) -> FakeAdmin, and Playwright's page with the live page. Complaints that match `allow` are none."""

    def open_page(made_up, width=1280, theme="light", allow="$^"):
        server = admin(made_up)
        tab = new_tab()
        tab.allow("/dash_stash/(events|status)")  # where the connection ends
        tab.allow(allow)
        tab.page.set_viewport_size({"width": width, "height": 800})
        tab.page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        tab.page.goto(server.url, referer=server.url)
        expect(tab.page.locator("#connection")).to_have_text("Live")
        return server, tab.page

    return open_page


@pytest.mark.parametrize("width, theme", LOOKS)
@pytest.mark.parametrize("state", STATES)
def test_no_violations_and_nothing_cut_off(live, state, width, theme):
    """In each state axe finds nothing, also with explanations and the dialog open, and with the connection lost; and the page does
    not scroll sideways."""
    server, page = live(STATES[state](), width, theme)
    for summary in page.locator("#stores summary").all()[:4]:
        summary.click()
    assert violations(page) == []
    page.get_by_role("button", name="Purge…").click()
    assert violations(page) == []
    page.keyboard.press("Escape")
    server.stop()
    expect(page.locator("#connection")).to_contain_text("Connection lost")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_no_app(live):
    """Before any app is seen, the page says what to do; when one is, it shows it."""
    server, page = live(STATES["no app"]())
    expect(page.get_by_role("heading", name="No app has been seen yet")).to_be_visible()
    expect(page.get_by_role("heading", name="Stores")).to_be_hidden()
    server.status = STATES["live"]()
    expect(page.get_by_role("heading", name="Stores")).to_be_visible()
    expect(page.get_by_role("heading", name="No app has been seen yet")).to_be_hidden()


def test_live_and_dry_run_are_never_added_up(live):
    _, page = live(STATES["both"]())
    expect(page.locator("[data-mode=live] [data-figure=callbacks]")).to_have_text("12")
    expect(page.locator("[data-mode=dry_run] [data-figure=callbacks]")).to_have_text("5")
    expect(page.locator("#apps tbody tr")).to_have_count(2)


def test_rates(live):
    """The rates are what successive statuses tell, and the charts tell theirs in words."""
    server, page = live(status(app(*usual()), live=saving(0)))
    expect(page.locator("[data-figure=rate]")).to_have_text("0 B/s")
    server.status = {**server.status, "live": saving(1000)}
    expect(page.locator("[data-figure=rate]")).to_have_text(re.compile(r"^[\d.]+ [MG]B/s$"))
    expect(page.get_by_role("img", name="Response time over the last five minutes: now 80 ms a callback, 3.0 ms of it in Dashstash")
           ).to_be_visible()


def test_connection_lost(live):
    """A page that gets no news says so, and since when, and shows nothing as of now; it goes on when there is news again."""
    server, page = live(STATES["live"]())
    server.stop()
    expect(page.locator("#connection")).to_contain_text("Connection lost: no news since")
    expect(page.locator("#verdict")).to_contain_text("Caddy has not told anything since")
    expect(page.locator("[data-figure=rate]")).to_have_text("–")
    expect(page.locator(".storage .chip")).to_have_text("not known")
    server.start()
    expect(page.locator("#connection")).to_have_text("Live", timeout=15_000)
    expect(page.locator("#verdict")).to_contain_text("It works: 3 of 6 Stores")


def test_silence(live):
    """A connection over which nothing comes any more is as good as lost."""
    server, page = live(STATES["live"]())
    server.silent = True
    expect(page.locator("#connection")).to_contain_text("Connection lost", timeout=15_000)
    server.silent = False
    expect(page.locator("#connection")).to_have_text("Live")


def test_rows_change_in_place(live):
    """An update changes order and figures, while focus, what is open, and the scroll position stay."""
    server, page = live(STATES["200 Stores"]())
    expect(page.locator("#stores tbody th").first).to_have_text("store-199")
    expect(page.locator("#stores tbody tr")).to_have_count(25)
    page.get_by_role("button", name="Show all 200 Stores").click()
    expect(page.locator("#stores tbody tr")).to_have_count(200)
    summary = page.locator("#stores tbody tr", has=page.get_by_role("rowheader", name="store-150", exact=True)).locator("summary")
    summary.press("Enter")
    place = page.evaluate("scrollY")
    assert place > 1000
    turned = [kept(f"store-{number}", 200 - number) for number in range(200)]
    server.status = {**server.status, "apps": [app(*turned)]}
    expect(page.locator("#stores tbody th").first).to_have_text("store-0")
    expect(summary).to_be_focused()
    expect(page.locator("#stores details[open]")).to_have_count(1)
    names = page.locator("#stores tbody th").all_inner_texts()
    assert names == [f"store-{number}" for number in range(200)]
    assert page.evaluate("scrollY") == place


def test_filter(live):
    """The filter looks at id, type and reason. What nobody is called like has the page ask for what is similar."""
    server, page = live(STATES["live"]())
    server.similar = ["frame"]
    for text, names in (("DF", ['{"index":3,"type":"df"}']), ("clientside", ["drawn"]), ("SESSION ", ["kept"]), ("fram.", [])):
        page.get_by_label("Filter").fill(text)
        expect(page.locator("#stores tbody tr")).to_have_count(len(names))
        assert page.locator("#stores tbody th").all_inner_texts() == names
    expect(page.locator("#similar")).to_have_text("No Store that has been seen is called fram.. Similar: frame")


@pytest.mark.parametrize("choice, fields, body, sentence", [
    ("all apps", {}, {"all": True}, "This deletes the data of all apps, in every storage."),
    ("all apps", {"Only what was not used for": "2h"}, {"older_than": "2h"},
     "This deletes the data of all apps that was not used for 2h, in every storage."),
    ("one app", {}, {"app": "localhost:8080/", "namespace": "large"},
     "This deletes the data of localhost:8080/ · large, in every storage."),
    ("one Store", {"Store": "frame", "Only what was not used for": "7d"},
     {"app": "localhost:8080/", "namespace": "large", "store": "frame", "older_than": "7d"},
     "This deletes the data of the Store “frame” of localhost:8080/ · large that was not used for 7d, in every storage."),
])
def test_what_is_purged(live, choice, fields, body, sentence):
    """What is asked for is what was confirmed; nothing is sent before that, however often Enter is pressed or a button clicked."""
    server, page = live(STATES["both"]())
    server.purge_answer = 200, {"entries": 1200, "bytes": 5_000_000, "storages": [
        {"storage": "file", "place": "/", "entries": 1199, "bytes": 1}, {"storage": "redis", "place": "x", "entries": 1, "bytes": 1}]}
    page.get_by_role("button", name="Purge…").click()
    page.get_by_label(choice).check()
    for label, text in fields.items():
        page.get_by_role("dialog").get_by_label(label, exact=True).fill(text)
    if fields:
        page.get_by_role("button", name="Continue").dblclick()
    else:
        page.get_by_role("button", name="Continue").press("Enter")
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Back", exact=True)).to_be_focused()
    expect(page.get_by_text(sentence)).to_be_visible()
    page.wait_for_timeout(500)  # until then it does not take clicks
    assert server.purged == []
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("status").filter(has_text="Deleted")).to_have_text(
        "Deleted: 1,200 entries, 5.0 MB (file 1,199 entries, redis 1 entry).")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("button", name="Purge…")).to_be_focused()
    assert server.purged == [body]


def test_a_purge_that_is_refused(live):
    """Caddy's own words are shown, and the dialog stays."""
    server, page = live(STATES["live"](), allow="status of 501")
    server.purge_answer = 501, {"error": "storage memcached cannot purge"}
    page.get_by_role("button", name="Purge…").click()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_timeout(500)
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("alert")).to_have_text("storage memcached cannot purge")
    expect(page.get_by_role("dialog")).to_be_visible()
