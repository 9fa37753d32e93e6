"""A storage that cannot take data: it goes inline as without Dashstash, the page works, and the log says why once."""

import subprocess

import pytest

from harness.caddy import block, temporary
from harness.disk import fill_up, remount
from harness.user import User, together
from harness.wire import Client, is_token

FILL = ["one.data", "two.data", "other.data"]


def test_A34_a_full_disk(dash_app, proxy, tab, small_disk):
    """Small data is stored, data that does not fit goes inline and works, nothing is left behind of it, the log has one
    line on it; and when there is room again, data is stored again."""
    caddy = proxy(dash_app("any_size.py"), f"storage file {small_disk}")
    tab.open(caddy.url)
    for size, fits in ((5000, True), (400_000, False), (500_000, False), (20_000, True)):
        tab.write("#size", str(size))
        tab.forget()
        tab.click("#fill")
        assert tab.text("#report").count(f"{size} bytes") == 3
        fill, report = (next(e for e in tab.callbacks if name in e.request["output"]) for name in ("one.data", "report"))
        assert [is_token(fill.output(name)) for name in FILL] == [fits] * 3
        assert [is_token(report.value(name)) for name in FILL] == [fits] * 3
        assert not temporary(small_disk)
    [line] = caddy.logs("warn", "cannot be stored")
    assert "no space left on device" in line["error"]


def test_A34_a_disk_that_others_fill(dash_app, proxy, small_disk):
    """When somebody else takes all the room, what is stored is read as before, and new data goes inline; when there is room
    again, new data is stored again."""
    caddy = proxy(dash_app("numbered.py"), f"storage file {small_disk / 'payloads'}")
    user, late = User(caddy.url, "user"), User(caddy.url, "late")
    user.fill(5000)
    fill_up(small_disk / "others")
    for _ in range(3):
        late.fill(5000)
        late.read()
        user.read()
    assert (user.tokens, late.tokens) == (6, 0)
    assert not temporary(small_disk / "payloads")
    (small_disk / "others").unlink()
    late.fill(5000)
    late.read()
    assert late.tokens == 6


def test_A34_a_start_on_a_full_disk(dash_app, proxy, new_disk):
    """Caddy starts when the disk has no room even for a directory, and what was stored before is read. It used to refuse, so that a
    crash took the app away until somebody had made room."""
    disk = new_disk("1m,nr_inodes=100")
    caddy = proxy(dash_app("numbered.py"), f"storage file {disk / 'payloads'}")
    user, late = User(caddy.url, "user", retries=1), User(caddy.url, "late", retries=1)
    user.fill(5000)
    caddy.process.kill()
    others = [disk / f"other-{n}" for n in range(100)]
    with pytest.raises(OSError, match="No space left"):
        for file in others:
            file.touch()
    caddy.start()
    late.fill(5000)
    late.read()
    user.read()
    assert (user.tokens, late.tokens) == (6, 0)
    for file in others:
        file.unlink(missing_ok=True)
    late.fill(5000)
    late.read()
    assert late.tokens == 6


def test_A41_a_limit_and_a_full_disk(dash_app, proxy, small_disk):
    """While the storage is at its limit and the disk is full, four users get along without an error."""
    folder, others = small_disk / "payloads", small_disk / "others"
    caddy = proxy(dash_app("numbered.py"), block(f"storage file {folder}", "max_size 60KB"))
    users = [User(caddy.url, f"user {n}") for n in range(4)]

    def work(user):
        for n in range(30):
            user.fill((2000, 20_000, 200_000)[n % 3])
            user.read()
            if user is users[0] and n % 10 == 0:
                fill_up(others)
            elif user is users[0] and n % 10 == 5:
                others.unlink()

    together(work, users)
    assert sum(user.count["stored"] for user in users) > 0
    assert not temporary(folder)
    assert len(caddy.logs("warn", "cannot be stored")) == 1


def test_A41_in_a_browser(dash_app, proxy, tab, small_disk):
    """At its limit and on a full disk at once, a page shows no error: its data is inline, and right."""
    caddy = proxy(dash_app("any_size.py"), block(f"storage file {small_disk / 'payloads'}", "max_size 40KB"))
    tab.open(caddy.url)
    for turn, size in enumerate((5000, 30_000, 10_000, 100_000, 6000, 9000)):
        if turn == 2:
            fill_up(small_disk / "others")
        tab.write("#size", str(size))
        tab.click("#fill")
        assert tab.text("#report").count(f"{size} bytes") == 3


def test_A13_a_disk_that_turns_read_only(dash_app, proxy, small_disk):
    """When the disk is read-only, as after an error, what is stored is read as before, and new data goes inline; when it can be
    written to again, new data is stored again."""
    caddy = proxy(dash_app("numbered.py"), f"storage file {small_disk}")
    user, late = User(caddy.url, "user"), User(caddy.url, "late")
    user.fill(5000)
    remount(small_disk, "ro")
    late.fill(5000)
    late.read()
    user.read()
    assert (user.tokens, late.tokens) == (6, 0)
    remount(small_disk, "rw")
    late.fill(5000)
    late.read()
    assert late.tokens == 6
    [line] = caddy.logs("warn", "cannot be stored")
    assert "read-only file system" in line["error"]


def test_data_larger_than_the_whole_storage(dash_app, proxy):
    """Data over max_size, which no eviction makes room for, goes inline."""
    caddy = proxy(dash_app("any_size.py"), "storage file {\n\tmax_size 50KB\n}")
    client = Client(caddy.url)
    client.open()
    for size, fits in ((10_000, True), (100_000, False)):
        stores = client.outputs(FILL, {"fill.n_clicks": 1}, {"size.value": size, "word.value": "word"})
        assert [is_token(stores[name]) for name in FILL] == [fits] * 3
        report = client.outputs(["report.children"], stores)["report.children"]
        assert report.count(f"{size} bytes") == 3
    assert len(caddy.logs("warn", "cannot be stored")) == 1


def test_a_directory_that_was_taken_away(dash_app, proxy):
    """When the storage's directory is removed under a running Caddy, data still reaches the app, inline or not."""
    caddy = proxy(dash_app("any_size.py"))
    client = Client(caddy.url)
    client.open()
    subprocess.run(["rm", "-r", caddy.data / "dash_stash"], check=True)
    stores = client.outputs(FILL, {"fill.n_clicks": 1}, {"size.value": 5000, "word.value": "word"})
    report = client.outputs(["report.children"], stores)["report.children"]
    assert report.count("5000 bytes") == 3
