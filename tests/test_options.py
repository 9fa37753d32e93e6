"""Options that name Stores and places: wrong names are told, unwritable places refused, two directives share an app."""

import os
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest

from harness.caddy import binary, payloads, site, stash
from harness.compare import same_both_ways
from harness.process import free_port, wait_until
from harness.wire import is_token

NOBODY = 65534


def test_A7_a_name_that_the_app_does_not_have(dash_app, proxy, new_tab):
    """A named id that no component has is one warning, however often the page is opened; the others are offloaded."""
    caddy = proxy(dash_app("three_stores.py"), "stores rows sqares names nam*")
    for _ in range(2):
        tab = new_tab()
        tab.open(caddy.url)
        tab.click("#load")
    load = tab.callbacks[-2]
    assert [is_token(load.output(f"{name}.data")) for name in ("rows", "squares", "names")] == [True, False, True]
    assert [(entry["level"], entry["store"]) for entry in caddy.logs(message="no component of the app has this id")] == [
        ("warn", "sqares")]


@pytest.fixture
def open_folder():
    """A folder that every user may enter, unlike pytest's."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.parametrize("place, reason", [
    ("locked", "permission denied"), ("file", "not a directory"), ("linked", "tmp is a symbolic link"),
])
def test_A13_a_place_that_cannot_be_written_to(open_folder, place, reason):
    """Caddy does not start when the directory cannot be written to, or writing there would lead elsewhere, and says which one and why."""
    locked = open_folder / "locked"
    locked.mkdir()
    locked.chmod(stat.S_IRUSR | stat.S_IXUSR | stat.S_IROTH | stat.S_IXOTH)
    (open_folder / "file").write_text("in the way")
    (open_folder / "linked" / "payloads").mkdir(parents=True)
    (open_folder / "linked" / "payloads" / "tmp").symlink_to(open_folder)
    writable = open_folder / "home"
    writable.mkdir()
    writable.chmod(0o777)
    path = open_folder / place / "payloads"
    caddyfile = open_folder / "Caddyfile"
    caddyfile.write_text("{\n\tadmin off\n}\n" + site(free_port(), "127.0.0.1:1", stash(f"storage file {path}")))
    done = subprocess.run(
        [binary(), "run", "--config", caddyfile, "--adapter", "caddyfile"], cwd=open_folder, text=True, timeout=30,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, user=NOBODY if os.getuid() == 0 else None,
        env={**os.environ, "HOME": str(writable), "XDG_DATA_HOME": str(writable), "XDG_CONFIG_HOME": str(writable)})
    assert done.returncode != 0
    last = done.stdout.splitlines()[-1]
    assert str(path) in last and reason in last


def test_A13_the_default_place(dash_app, proxy, tab):
    """By default, payloads go to Caddy's data directory, and nothing to the working directory."""
    caddy = proxy(dash_app("two_places.py"))
    before = sorted(caddy.folder.iterdir())
    tab.open(caddy.url)
    tab.click("#fill")
    assert len(payloads(caddy.data / "dash_stash")) == 2
    assert sorted(caddy.folder.iterdir()) == before
    assert not list(Path.cwd().rglob("*.payload"))


def test_A29_a_backend_for_each_store(dash_app, proxy, new_tab, tmp_path):
    """Two directives in a row: each Store's data lands in its own storage and comes back from it, also in one request,
    and what was in memory is gone after a restart while the rest is not."""
    app = dash_app("two_places.py", bodies=True)
    caddy = proxy(app, directives=two_directives(tmp_path))

    def steps(tab):
        tab.click("#read")
        assert tab.callbacks[-1].output("report.children") == "quick None, lasting None"
        tab.click("#fill")
        tab.click("#read")
        return tab.text("#report")

    direct, stashed = same_both_ways(app, caddy, new_tab, steps)
    assert direct.shown == "quick 1000, lasting 2000"
    tab = stashed.tab
    quick, lasting = (tab.callbacks[-1].value(f"{name}.data") for name in ("quick", "lasting"))
    assert is_token(quick) and is_token(lasting)
    [payload] = payloads(tmp_path / "lasting")
    assert payload.read_bytes().startswith(b'["lasting","lasting",')
    assert not payloads(caddy.data)

    caddy.restart()
    tab.click("#read")
    assert tab.text("#report") == "quick None, lasting 2000"


def test_A29_a_directive_that_was_taken_away(dash_app, proxy, caddy, tab, tmp_path):
    """Tokens of a directive that is there no more reach the app as null, never as tokens."""
    app = dash_app("two_places.py")
    port = free_port()
    upstream = f"127.0.0.1:{app.port}"
    running = caddy(site(port, upstream, two_directives(tmp_path)), port)
    tab.open(running.url)
    tab.click("#fill")
    running.reload(site(port, upstream, stash("namespace b\nstores lasting\nstorage file " + str(tmp_path / "lasting"))))
    wait_until(lambda: running.logs(message="load complete"), "the new configuration")
    tab.click("#read")
    assert tab.text("#report") == "quick None, lasting 2000"


def two_directives(folder):
    quick = stash("namespace a\nstores quick\non_missing null\nstorage memory")
    lasting = stash(f"namespace b\nstores lasting\nstorage file {folder / 'lasting'}")
    return f"{quick}\n{lasting}"
