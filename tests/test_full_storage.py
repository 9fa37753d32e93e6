"""A storage that cannot take data: it goes inline as without Dashstash, the page works, and the log says why once."""

import os
import subprocess

import pytest

from harness.wire import Client, is_token

FILL = ["one.data", "two.data", "other.data"]
AS_ROOT = [] if os.geteuid() == 0 else ["sudo", "-n"]


@pytest.fixture
def small_disk(tmp_path):
    """A directory with room for 256 KiB. Mounting it takes root, or sudo."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run([*AS_ROOT, "mount", "-t", "tmpfs", "-o", "size=256k,mode=777", "tmpfs", folder], check=True)
    yield folder
    subprocess.run([*AS_ROOT, "umount", "--lazy", folder], check=True)


def test_a_full_disk(dash_app, proxy, tab, small_disk):
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
        assert not list((small_disk / "tmp").iterdir())
    [line] = caddy.logs("warn", "cannot be stored")
    assert "no space left on device" in line["error"]


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
