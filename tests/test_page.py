"""The live page on Caddy's admin endpoint: its figures are those of the status, and it can be worked with anyhow."""

import re

import pytest
from playwright.sync_api import expect

from harness.admin import Admin
from harness.axe import violations

NAMES = ["names", "rows", "squares"]
LOOKS = [(width, theme) for width in (360, 1280) for theme in ("light", "dark")]


@pytest.fixture
def live(new_tab):
    """live(caddy) -> Playwright's page with the live page of that Caddy. Complaints that match `allow` are none."""

    def open_page(caddy, width=1280, theme="light", allow="$^", connection="Live"):
        tab = new_tab()
        tab.allow(allow)
        tab.allow("/dash_stash/events: net::ERR_ABORTED")  # the test ends while it is being read
        tab.page.set_viewport_size({"width": width, "height": 800})
        tab.page.emulate_media(color_scheme=theme)
        tab.page.goto(Admin(caddy.admin_port).page, referer=Admin(caddy.admin_port).page)
        expect(tab.page.locator("#connection")).to_have_text(connection)
        return tab.page

    return open_page


def clicked(dash_app, proxy, tab, options=""):
    """A Caddy before three_stores.py, in which a user has clicked twice."""
    caddy = proxy(dash_app("three_stores.py"), options)
    tab.open(caddy.url)
    tab.click("#load")
    tab.click("#load")
    return caddy


def shown_stores(page):
    return page.locator("#stores tbody th").all_inner_texts()


def expect_figures(part, figures):
    """Waits until the exact figures behind the texts are these."""
    for name, figure in figures.items():
        expect(part.locator(f"[data-figure={name}]")).to_have_attribute("value", str(figure))


def headline(figures):
    """What a panel shows of figures."""
    return {
        "saved": figures["saved"]["up"] + figures["saved"]["down"],
        **{f"{direction}-{which}": figures[direction][which] for direction in ("up", "down") for which in ("with", "without")},
        "callbacks": figures["callbacks"], "missed": sum(figures["missed"].values()),
        "offloaded": figures["offloaded"]["bytes"], "restored": figures["restored"]["bytes"],
        "inline": sum(each["bytes"] for each in figures["inline"].values()),
    }


def test_figures_are_those_of_the_status(dash_app, proxy, tab, live):
    """What the page shows in sum and of each Store is what the status tells, also after more clicks while it is open."""
    caddy = clicked(dash_app, proxy, tab)
    page = live(caddy)
    for _ in range(2):
        told = Admin(caddy.admin_port).status()
        assert told["live"]["saved"]["up"] > 100_000
        expect(page.locator("#panels > section")).to_have_count(1)
        expect_figures(page.locator("[data-mode=live]"), headline(told["live"]))
        stores = told["apps"][0]["stores"]
        assert sorted(store["id"] for store in stores) == NAMES
        for store in stores:
            row = page.locator("#stores tbody tr", has=page.get_by_role("rowheader", name=store["id"]))
            figures = store["figures"]
            for column, figure in (("size", store["last_bytes"]), ("saved", sum(figures["saved"].values())),
                                   ("offloaded", figures["offloaded"]["bytes"]), ("restored", figures["restored"]["bytes"])):
                expect(row.locator(f".{column} data")).to_have_attribute("value", str(figure))
            expect(row.locator(".where")).to_have_text("on the server")
        [storage] = told["storages"]
        assert int(page.get_by_role("meter").get_attribute("aria-valuenow")) == storage["bytes"]
        tab.click("#load")


def test_dry_run(dash_app, proxy, tab, live):
    """In a dry run the page says that nothing is touched, and what would be saved."""
    caddy = clicked(dash_app, proxy, tab, "dry_run")
    page = live(caddy)
    expect(page.get_by_text("Dry run: nothing is touched. This is what would be saved.")).to_be_visible()
    expect(page.locator("[data-mode=live]")).to_have_count(0)
    expect_figures(page.locator("[data-mode=dry_run]"), headline(Admin(caddy.admin_port).status()["dry_run"]))


def test_why_a_store_is_in_the_browser(dash_app, proxy, tab, live):
    """Each Store that stays in the browser tells why, in a few words and in a sentence."""
    caddy = proxy(dash_app("storage_types.py"))
    tab.open(caddy.url)
    tab.click("#fill")
    page = live(caddy)
    told = {store["id"]: store for store in Admin(caddy.admin_port).status()["apps"][0]["stores"]}
    for name, why in (("for-browser", "a clientside callback uses it"), ("of-local", "its storage type is not selected")):
        row = page.locator("#stores tbody tr", has=page.get_by_role("rowheader", name=name))
        expect(row.locator(".where")).to_have_text("in the browser")
        expect(row.locator(".why")).to_have_text(why)
        row.locator("summary").click()
        expect(row.locator(".whole")).to_have_text(told[name]["explanation"])


def test_sorted_by_keyboard(dash_app, proxy, tab, live):
    """A column's head is a button: it sorts, a second time the other way round, and tells so; updates keep order and focus."""
    caddy = clicked(dash_app, proxy, tab)
    page = live(caddy)
    head = page.locator("#stores").get_by_role("columnheader", name="Store", exact=True)
    head.get_by_role("button").focus()
    for key, direction, names in (("Enter", "ascending", NAMES), ("Space", "descending", NAMES[::-1])):
        page.keyboard.press(key)
        expect(head).to_have_attribute("aria-sort", direction)
        assert shown_stores(page) == names
        callbacks = Admin(caddy.admin_port).status()["live"]["callbacks"]
        tab.click("#load")
        expect_figures(page, {"callbacks": callbacks + 2})
        assert shown_stores(page) == names
        expect(head.get_by_role("button")).to_be_focused()


def test_purge_a_store(dash_app, proxy, tab, live):
    """The page deletes one Store's data, after it has said what that means. The app's page then reloads once, and the miss is told."""
    caddy = proxy(dash_app("storage_types.py"))
    tab.open(caddy.url)
    tab.click("#fill")
    page = live(caddy)
    row = page.locator("#stores tbody tr", has=page.get_by_role("rowheader", name="of-memory"))
    row.locator("summary").click()
    row.get_by_role("button", name="Purge this Store…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Continue").click()
    expect(dialog).to_contain_text("This deletes the data of the Store “of-memory”")
    expect(dialog).to_contain_text("Pages that hold this data reload once")
    page.wait_for_timeout(500)  # a click at once would be the second one of a double click
    dialog.get_by_role("button", name="Delete").click()
    expect(page.locator("#result")).to_have_text(re.compile(r"^Deleted: 1 entry, 3\.9 kB\.$"))
    tab.allow("_dash-update-component.*net::ERR_ABORTED")  # cut short by the reload
    with tab.page.expect_navigation():
        tab.page.click("#read")
    tab.settle()
    expect(page.locator("#misses tbody")).to_contain_text("gone: evicted, expired, purged or wiped")
    expect_figures(page.locator("[data-mode=live]"), {"missed": Admin(caddy.admin_port).status()["live"]["missed"]["gone"]})


def test_purge_everything_that_is_old(dash_app, proxy, tab, live):
    """Nothing is deleted that was used since; a wrong duration is told in the words of Caddy's API; all can be deleted."""
    caddy = clicked(dash_app, proxy, tab)
    caddy.allow("request error")  # the wrong duration
    page = live(caddy, allow="status of 400")
    for age, result in (("2h", r"^Nothing was deleted"), ("soon", None), ("", r"^Deleted: \d entries, ")):
        page.get_by_role("button", name="Purge…").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Only what was not used for").fill(age)
        dialog.get_by_role("button", name="Continue").click()
        page.wait_for_timeout(500)
        dialog.get_by_role("button", name="Delete").click()
        if result:
            expect(page.locator("#result")).to_have_text(re.compile(result))
        else:
            answer = Admin(caddy.admin_port).post_purge(json={"older_than": age})
            expect(dialog.get_by_role("alert")).to_have_text(answer.json()["error"])
            page.keyboard.press("Escape")


def test_a_reload_of_the_configuration(dash_app, proxy, tab, live):
    """A reload ends the connection: the page goes on by itself, and its figures too."""
    caddy = clicked(dash_app, proxy, tab)
    page = live(caddy)
    caddy.reload()
    tab.click("#load")
    expect_figures(page, {"callbacks": Admin(caddy.admin_port).status()["live"]["callbacks"]})
    expect(page.locator("#connection")).to_have_text("Live")


def test_no_dash_stash(dash_app, proxy, live):
    """Where nothing is configured, the page says so, in Caddy's words."""
    caddy = proxy(dash_app("three_stores.py"), directives="")
    caddy.allow("request error")
    live(caddy, allow="status of 404", connection=re.compile("Caddy says: no dash_stash is configured"))


@pytest.mark.parametrize("width, theme", LOOKS)
def test_no_violations_and_nothing_cut_off(dash_app, proxy, tab, live, width, theme):
    """In both themes, wide and narrow, axe finds nothing, and the page does not scroll sideways."""
    caddy = clicked(dash_app, proxy, tab)
    page = live(caddy, width, theme)
    expect(page.locator("#stores tbody tr")).to_have_count(3)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
