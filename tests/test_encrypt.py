"""The option `encrypt`: nothing of the data is to be read in the storage, and all goes on when it, or the secret, changes."""

import pytest

from harness.caddy import block, named, site, stash
from harness.process import free_port
from harness.servers import Redis
from harness.user import EMPTY, RIGHT, User, together

OLD, NEW = "a-secret-of-last-year", "a-secret-of-this-year"
WORD = "confidential"  # is in all data
HOST = {"Host": "dashboards.example"}  # of an app that several Caddys serve
SIZES = (5000, 2_000_000)  # of data in one value of Redis, and in several


class Files:
    """Files in a folder."""

    def __init__(self, folder):
        self.folder = folder / "payloads"

    def storage(self, *lines):
        return block(f"storage file {self.folder}", *lines)

    def kept(self):
        return b"".join(file.read_bytes() for file in self.folder.rglob("*") if file.is_file())


class Dumped(Redis):
    """Redis, all that it holds being in a file as it is."""

    def __init__(self, folder):
        super().__init__(folder, "--rdbcompression", "no")

    def kept(self):
        self.cli("save")
        return (self.folder / "dump.rdb").read_bytes()


@pytest.fixture(params=["file", "redis", "redis, near off"])
def place(request, server, tmp_path):
    """Where data is kept, with `storage` for the block."""
    if request.param == "file":
        return Files(tmp_path)
    redis = server(Dumped)
    if "near" in request.param:
        redis.lines = ("near off",)
    return redis


@pytest.fixture
def serving(dash_app, caddy):
    """serving(options) -> Caddy in front of numbered.py; with other options the next time, after a restart."""
    app, port = dash_app("numbered.py", env={"STORES": "3"}), free_port()
    running = []

    def start(options):
        sites = site(port, f"127.0.0.1:{app.port}", stash(f"on_missing null\n{options}"))
        if running:
            running[0].reload(sites)
            running[0].restart()
        else:
            running.append(caddy(sites, port))
        return running[0]

    return start


@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_to_be_read_in_the_storage(serving, place, size):
    """Neither data nor what is known of the app; without the option, as a check of this test, both."""
    caddy = serving(f"{place.storage()}\nsecret {OLD}\nencrypt")
    user = User(caddy.url, WORD, stores=3)
    user.fill(size)
    user.read()
    assert user.tokens == 3
    kept = place.kept()
    assert len(kept) > 3 * size
    assert WORD.encode() not in kept and b"store-0" not in kept

    user = User(serving(f"{place.storage()}\nsecret {OLD}").url, WORD, stores=3)
    user.fill(size)
    assert WORD.encode() in place.kept() and b"store-0" in place.kept()


def test_the_secret_changes(serving, place):
    """What was sealed with the older secret is still opened, and new data with the newer alone. When the older is gone, so is what
    was sealed with it."""
    users = [User(serving(f"{place.storage()}\nsecret {OLD}\nencrypt").url, f"user {n}", stores=3) for n in range(2)]
    early, late = users
    early.fill(2_000_000)
    late.fill(5000)
    serving(f"{place.storage()}\nsecret {NEW} {OLD}\nencrypt")
    early.read()
    late.read()
    late.fill(2_000_000)
    late.read()
    serving(f"{place.storage()}\nsecret {NEW}\nencrypt")
    late.read()
    assert early.look() == EMPTY
    early.fill(5000)
    early.read()


def test_it_is_switched_on_and_off(serving, place):
    """On: what is there stays, and what comes is sealed. Off: what is sealed is a miss, and comes again."""
    off, on = f"{place.storage()}\nsecret {OLD}", f"{place.storage()}\nsecret {OLD}\nencrypt"
    users = [User(serving(off).url, word, stores=3) for word in ("plain", WORD)]
    early, late = users
    early.fill(2_000_000)
    serving(on)
    early.read()
    late.fill(2_000_000)
    late.read()
    assert WORD.encode() not in place.kept()
    serving(off)
    early.read()
    assert late.look() == EMPTY
    late.clicks -= 1  # the same data again
    late.fill(2_000_000)
    late.read()
    serving(on)
    assert together(User.look, users) == [RIGHT, RIGHT]


def test_many_seal_the_same_at_once(dash_app, caddy, server):
    """Two Caddys with four users each store the same large data on one Redis at the same time, again and again: whoever reads it
    then gets it. When it was sealed otherwise each time, the parts that two of them had stored did not go together."""
    redis = server(Redis)
    app = dash_app("numbered.py", env={"STORES": "1"})
    options = f"{redis.storage('near off')}\nsecret {OLD}\nencrypt"
    caddys = [caddy(block(f"http://:{port}", "bind 127.0.0.1", stash(options), f"reverse_proxy 127.0.0.1:{app.port}"), port,
                    global_options=named(f"127.0.0.1:{port}"))
              for port in (free_port(), free_port())]
    users = [User(caddy.url, stores=1, headers=HOST) for caddy in caddys for _ in range(4)]
    for _ in range(8):
        together(lambda user: (user.fill(3_000_000), user.read()), users)
        assert len({str(user.values) for user in users}) == 1
        assert all(user.tokens for user in users)
