"""The rows of the table in README.md: what a user does in each app of apps/table."""

import re

from harness.table import clicks, row


@row("chain of callbacks over Stores, one output each")
def chain(tab):
    yield from clicks(tab, "go", "go")


@row("several outputs, `no_update`, `PreventUpdate`")
def several_outputs(tab):
    yield from clicks(tab, "read", "all", "middle", "read", "none", "prevented", "read", "all")


@row("no outputs", since="2.17")
def no_outputs(tab):
    yield from clicks(tab, "remember", "recall", "fill", "remember", "recall")


@row("text ids with quotes, escapes and other alphabets")
def text_ids(tab):
    yield from clicks(tab, "go", "go")


@row("dict ids, `MATCH`, `ALL`, `ALLSMALLER`", since="1.11")
def wildcards(tab):
    yield from clicks(tab, "fill", "compare", "name", "add", "add", "drop")
    for step in (0, 3, 4, 3):
        tab.page.locator(".step").nth(step).click()
        yield
    yield from clicks(tab, "compare", "fill", "name", "compare")


@row("`allow_duplicate`", since="2.9")
def allow_duplicate(tab):
    yield from clicks(tab, "second", "third", "first", "third", "second")


@row("`set_props`: side updates of Stores", since="2.17")
def side_updates(tab):
    yield from clicks(tab, "one", "twice", "dict", "one", "dict", "tree", "tree", "same", "clear", "one")


@row("background callbacks, Diskcache: progress, `running`, `cancel`", since="2.6", counts=False)
def background_diskcache(tab):
    yield from background(tab)


@row("background callbacks, Celery with Redis", since="2.6", counts=False)
def background_celery(tab):
    yield from background(tab)


def background(tab):
    def start(clicks_of_start):
        tab.page.click("#start")
        tab.expect_text("#of-side", re.compile(f"'clicks': {clicks_of_start}"))
        tab.expect_text("#of-progress", re.compile("half"))
        tab.expect_text("#text", "half done")
        tab.expect_text("#of-state", re.compile("running"))

    yield from clicks(tab, "quick", "fill", "quick")
    for clicks_of_start in (1, 2):
        start(clicks_of_start)
        running = tab.page.inner_text("body")
        tab.fetch("/go")
        tab.expect_text("#of-state", re.compile("at rest"))
        tab.expect_text("#of-result", re.compile(f"'clicks': {clicks_of_start}"))
        yield running
    start(3)
    tab.page.click("#cancel")
    tab.expect_text("#of-state", re.compile("at rest"))
    yield
    yield from clicks(tab, "quick")


@row("`running=`", since="2.16")
def running(tab):
    for _ in range(2):
        tab.page.click("#go")
        tab.expect_text("#text", "running")
        for report in ("#of-state", "#of-dict"):
            tab.expect_text(report, re.compile("'running'"))
        middle = tab.page.inner_text("body"), tab.page.is_disabled("#go")
        tab.fetch("/go")
        yield middle


@row("flexible signatures: dicts, tuples", since="2.0")
def signatures(tab):
    yield from clicks(tab, "go", "go", "some", "go")


@row("async callbacks", since="3.1")
def async_callbacks(tab):
    yield from clicks(tab, "go", "side", "go", "prevented", "side")


@row("errors in callbacks")
def errors(tab):
    tab.allow(r"status of 500 .*_dash-update-component|console error: .*Callback error updating|Callback failed:")
    yield from clicks(tab, "good", "raise", "read", "set", "three", "read", "good", "read")


@row("`on_error`", since="2.18")
def on_error(tab):
    yield from clicks(tab, "fill", "fail-handled", "read", "fail", "read")


@row("clientside callbacks in files: read, write and copy Stores")
def clientside_files(tab):
    yield from clicks(tab, "fill", "write", "take", "fill", "take", "take")


@row("clientside callbacks as text")
def clientside_inline(tab):
    yield from clicks(tab, "fill", "write", "take", "fill", "take", "take")


@row("`prevent_initial_call=True`", since="1.12")
def prevent_initial_call(tab):
    yield from clicks(tab, "go", "go")


@row("`prevent_initial_callbacks=True`", since="1.12")
def prevent_initial_calls(tab):
    yield from clicks(tab, "go", "go")


@row("`prevent_initial_call=\"initial_duplicate\"`", since="2.9")
def initial_duplicate(tab):
    yield from clicks(tab, "two", "one", "two")


@row("`Patch`: all operations", since="2.9")
def patches(tab):
    for button in tab.page.locator(".op").all():
        button.click()
        yield
    yield from clicks(tab, "read", "reset", "read")
    for name in ("Assign", "several", "Append", "Reverse", "Delete"):
        tab.page.get_by_role("button", name=name, exact=True).click()
        yield
    yield from clicks(tab, "read", "reset", "reset", "read")


@row("`modified_timestamp`, `clear_data`")
def timestamps(tab):
    yield from clicks(tab, "next", "same", "next", "read", "clear", "read", "same", "next", "same", "read")


@row("`memory`, `session`, `local`: reload, back and forward, two tabs", options="min_size 0\nstores auto memory session local")
def storage(tab):
    yield from clicks(tab, "read", "fill", "read", "to-one", "to-two")
    tab.page.go_back()
    yield
    yield from clicks(tab, "fill")
    tab.page.go_forward()
    yield
    yield from clicks(tab, "read", "fewer")
    tab.reload()
    yield from clicks(tab, "read")
    other = tab.beside()
    other.open(tab.page.url)
    yield other.page.inner_text("body")
    for name in ("read", "fill", "read"):
        other.click(f"#{name}")
        yield other.page.inner_text("body")
    yield from clicks(tab, "read")
    tab.reload()
    yield from clicks(tab, "read", "fill")


@row("pages by `url.pathname`")
def url_pages(tab):
    yield from pages(tab)


@row("Dash Pages, Stores in pages", since="2.5")
def pages(tab):
    yield from clicks(tab, "fill", "to-two", "read", "to-one", "fill", "fill", "to-two")
    tab.page.go_back()
    tab.page.wait_for_selector("#fill")
    yield
    yield from clicks(tab, "fill")
    tab.page.go_forward()
    tab.page.wait_for_selector("#read")
    yield
    yield from clicks(tab, "read")
    tab.reload()
    yield from clicks(tab, "read", "to-one")


@row("component trees in responses: tabs, dialogs")
def trees(tab):
    yield from clicks(tab, "keep", "open", "tab-b", "keep", "open", "tab-c", "keep", "restore", "tab-a", "keep", "restore")


@row("components as props", since="2.5")
def components_as_props(tab):
    yield from clicks(tab, "more")
    tab.page.locator("#list input").first.check()
    yield
    yield from clicks(tab, "more")
    tab.page.locator("#list input").nth(1).check()
    yield
    tab.page.locator("#fixed input").first.check()
    yield


@row("`data` in the layout, of each type and size")
def initial_data(tab):
    yield from clicks(tab, "read", "replace", "read", "replace", "read")
    tab.reload()
    yield


@row("layout as a function, Stores deep in it")
def layouts(tab):
    yield from clicks(tab, "fill", "fill")
    tab.reload()
    yield


@row("`callback_context`, `ctx`")
def context(tab):
    yield from clicks(tab, "left", "right", "left", "right")


@row("`dcc.Loading`")
def loading(tab):
    for _ in range(2):
        tab.page.click("#load")
        tab.page.wait_for_selector(".dash-spinner")
        spinners = tab.page.locator(".dash-spinner").count(), tab.page.inner_text("body")
        tab.fetch("/go")
        yield spinners
        yield tab.page.locator(".dash-spinner").count()


@row("a figure from three Stores")
def figure(tab):
    for name in ("load", "load"):
        tab.click(f"#{name}")
        yield [(trace["x"], trace["y"]) for trace in tab.figure("graph")["data"]]


@row("a megabyte through a chain")
def large(tab):
    yield from clicks(tab, "go")


@row("`allow_optional`", since="3.1")
def optional(tab):
    yield from clicks(tab, "fill", "add", "fill", "add")
