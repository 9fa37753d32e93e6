"""Data that is lost or damaged: a miss at the most, never other data, and nothing that is not ours is touched."""

import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from harness.caddy import block, payloads, temporary
from harness.process import wait_until
from harness.user import EMPTY, User
from harness.wire import Client, figures, is_token


def cut_short(file):
    file.write_bytes(file.read_bytes()[:-100])


def emptied(file):
    file.write_bytes(b"")


def of_another_kind(file):
    """As FileSystemCache kept there, whose users got an `UnpicklingError: invalid load key` from what it had not written."""
    file.write_bytes(b"\x80\x04\x95" + bytes(range(256)) * 10)


def flipped(file):
    whole = bytearray(file.read_bytes())
    whole[1000] ^= 1
    file.write_bytes(whole)


def a_folder(file):
    file.unlink()
    file.mkdir()
    (file / "somebody's.txt").write_text("keep")


def a_link(file):
    target = file.with_suffix(".target")
    file.rename(target)
    file.symlink_to(target)


DAMAGES = (cut_short, emptied, of_another_kind, flipped)
REPLACEMENTS = (a_folder, a_link)


def files_of(folder, user):
    """The files of the payloads of a user's Stores, in their order."""
    heads = {file.read_bytes()[:100].decode(): file for file in payloads(folder)}
    return [next(file for head, file in heads.items() if f" {name.removesuffix('.data')} " in head) for name in user.names]


@pytest.mark.parametrize("running", [True, False])
def test_A31_damaged_files(dash_app, proxy, tmp_path, running):
    """A payload's file that is damaged is a miss, and a line in the log; what somebody has put in its place is left alone, and
    is a miss, too. Data of which that is true is inline or stored the next time."""
    folder = tmp_path / "payloads"
    app = dash_app("numbered.py", bodies=True)
    caddy = proxy(app, f"on_missing null\nstorage file {folder}")
    user = User(caddy.url, retries=1)
    user.fill(5000)
    if not running:
        caddy.stop()
    files = dict(zip(DAMAGES + REPLACEMENTS, files_of(folder, user), strict=True))
    if running:
        del files[flipped]  # the next test is about that
    else:
        del files[a_link]  # with which Caddy does not start
    for change, file in files.items():
        change(file)
    if not running:
        caddy.start()
    for _ in range(2):
        assert user.look() == EMPTY
        assert [state["value"] is None for state in app.received()[-1].json()["state"]] == [
            change in files for change in DAMAGES + REPLACEMENTS]
    assert len(caddy.logs("warn", "a stored payload was damaged and is removed")) == len(files.keys() & set(DAMAGES))
    assert len(caddy.logs("warn", "data of a Store is gone")) == 2
    user.clicks -= 1  # the same data again
    user.fill(5000)
    user.read()
    assert (files[a_folder] / "somebody's.txt").read_text() == "keep"
    if running:
        assert files[a_link].is_symlink() and files[a_link].resolve().stat().st_size > 5000
    assert user.tokens == (4 if running else 5)


def test_A31_a_file_that_changes_while_it_is_in_use(dash_app, proxy, tmp_path):
    """What is only found while the data goes to the app is a miss, too: the app gets no more than a part of that request, and
    then one with null."""
    folder = tmp_path / "payloads"
    app = dash_app("numbered.py", bodies=True, env={"STORES": "2"})
    caddy = proxy(app, f"on_missing null\nstorage file {folder}")
    user = User(caddy.url, stores=2)
    user.fill(100_000)
    user.read()
    flipped(files_of(folder, user)[0])
    app.forget()
    assert user.look() == EMPTY
    assert [len(entry.body) < 200_000 for entry in app.received()] == [True]
    assert len(caddy.logs("warn", "a stored payload is damaged and was dropped")) == 1


def test_A31_files_of_others(dash_app, proxy, tmp_path):
    """What else is in the storage's directory is never deleted: not by a start, by eviction or by expiry."""
    folder = tmp_path / "payloads"
    names = ["notes.txt", "2029240f6d1128be89ddc32729463129", "tmp/upload.tmp", "ab/x.payload", "ab/" + 64 * "b" + ".payload",
             "cd/.keep", "AB/" + "ab" * 32 + ".payload"]  # the second as FileSystemCache names its own
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("somebody's own")
    caddy = proxy(dash_app("numbered.py"), "ttl 1s\n" + block(f"storage file {folder}", "max_size 20KB"))
    user = User(caddy.url, retries=1)
    for _ in range(5):
        user.fill(3000)
    wait_until(lambda: {file for file in folder.rglob("*.*") if file.is_file()} <= {folder / name for name in names},
               "the data to expire")
    caddy.restart()
    user.fill(3000)
    assert {(folder / name).read_text() for name in names} == {"somebody's own"}


@pytest.mark.parametrize("on_missing", ["null", "error"])  # reload: test_missing.py
@pytest.mark.parametrize("storage", ["memory", "file"])
def test_A36_a_restart_that_loses_all(dash_app, proxy, tab, storage, on_missing):
    """When Caddy comes back without what it had, a callback of the open page gets null or 410, once; the next data is stored
    again, and the page has never to be reloaded."""
    caddy = proxy(dash_app("storage_types.py"), f"on_missing {on_missing}\nstorage {storage}")
    tab.open(caddy.url)
    tab.click("#fill")
    tab.click("#read")
    whole = tab.text("#report")
    assert whole == "499500 499500 499500 499500 500500 501500"
    caddy.stop()
    shutil.rmtree(caddy.data / "dash_stash")
    caddy.start()
    tab.forget()
    tab.allow("status of 410|Callback error|Data is gone")
    tab.click("#read")
    [miss] = tab.callbacks
    if on_missing == "null":
        assert (miss.status, figures(miss.headers)["missed"]) == (200, 4)
        assert tab.text("#report") == "none 499500 499500 none none none"  # two are in the browser
    else:
        assert (miss.status, tab.text("#report")) == (410, whole)
    tab.click("#fill")
    tab.click("#read")
    _, fill, read = tab.callbacks
    assert tab.text("#report") == whole
    assert is_token(fill.output("of-memory.data")) and read.status == 200


def test_A36_killed_while_it_writes(dash_app, proxy):
    """Caddy is killed when a part of 50 MB is written: after the next start, the page goes on with what it had before, the same
    data is stored, and nothing is left of the part."""
    caddy = proxy(dash_app("numbered.py", env={"STORES": "1"}))
    folder = caddy.data / "dash_stash"
    user, writer = (User(caddy.url, word, stores=1) for word in ("user", "writer"))
    user.fill(10_000)
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(writer.fill, 50_000_000)
        wait_until(lambda: max(temporary(folder).values(), default=0) > 5_000_000, "the data to be written")
        caddy.process.kill()
        assert isinstance(writing.exception(), requests.ConnectionError)
    assert len(temporary(folder)) == 1
    caddy.start()
    assert temporary(folder) == {}
    for again in (user, writer):
        again.client = Client(caddy.url)
    user.read()
    writer.fill(50_000_000)
    writer.read()
    assert user.count["restored"] == writer.count["restored"] == 1


def test_A43_wiped_while_running(dash_app, proxy):
    """When somebody removes the storage's directory, what was in it is a miss, and the next data is stored: nothing has to be
    restarted."""
    caddy = proxy(dash_app("numbered.py"))
    user = User(caddy.url)
    user.fill(5000)
    user.read()
    shutil.rmtree(caddy.data / "dash_stash")
    assert user.look() == EMPTY
    user.clicks -= 1  # the same data again
    user.fill(5000)
    assert user.tokens == 6
    user.read()
