"""Several machines: two Caddys before two workers of an app, as behind a load balancer that sends each request elsewhere."""

import itertools

import pytest

from harness.caddy import block, named, stash
from harness.process import free_port
from harness.servers import Redis
from harness.user import User, together
from harness.wire import Client, is_token

HOST = {"Host": "dashboards.example"}  # which a load balancer passes on, so that both Caddys know the app by one name
SECRET = "secret a-secret-that-all-machines-know"
FIRST = ["kept.data", "table-later.data", "read-later.data", "only-first.data"]
SECOND = ["kept.data", "table-later.data", "read-later.data", "new.data"]


@pytest.fixture
def machine(caddy):
    """machine(apps, options, folder=...) -> a Caddy that sends each request to another one of the apps."""

    def start(apps, options, **caddy_options):
        port = free_port()
        upstreams = " ".join(f"127.0.0.1:{app.port}" for app in apps)
        proxy = block(f"reverse_proxy {upstreams}", "lb_policy round_robin")
        return caddy(block(f"http://:{port}", "bind 127.0.0.1", stash(options), proxy) + "\n", port,
                     global_options=named(f"127.0.0.1:{port}"), **caddy_options)

    return start


def round_robin(user, caddys):
    """Has the user's next requests go to another one of the Caddys each, as from a load balancer."""
    urls, post = itertools.cycle([caddy.url for caddy in caddys]), user.client.session.post

    def post_elsewhere(url, **options):
        return post(url.replace(user.client.url, next(urls)), **options)

    user.client.session.post = post_elsewhere
    return user


@pytest.mark.parametrize("shared", ["folder", "secret"])
def test_A38_two_proxies_two_workers(dash_app, machine, server, tmp_path, shared):
    """A thousand callbacks of eight users go round through both proxies to both workers: no miss, and equal data has an equal
    token from both; whether the proxies share Caddy's storage, and so the secret in it, or are told a secret."""
    redis = server(Redis)
    apps = [dash_app("numbered.py", env={"STORES": "2"}) for _ in range(2)]
    folders = [tmp_path / "both"] * 2 if shared == "folder" else [tmp_path / "one", tmp_path / "two"]
    caddys = []
    for folder in folders:
        folder.mkdir(exist_ok=True)
        options = redis.storage() if shared == "folder" else f"{redis.storage('near off')}\n{SECRET}"
        caddys.append(machine(apps, options, folder=folder))
    one, two = (User(caddy.url, "the same", stores=2, headers=HOST) for caddy in caddys)
    one.fill(5000)
    two.fill(5000)
    assert one.tokens == 2 and one.values == two.values

    users = [round_robin(User(caddys[n % 2].url, f"user {n}", stores=2, headers=HOST), caddys) for n in range(8)]

    def work(user):
        for _ in range(42):  # of three callbacks, so that each is sent to both in turn
            user.fill(5000)
            assert user.tokens == 2
            user.read()
            user.read()

    together(work, users)
    assert sum(user.count["restored"] for user in users) == 8 * 42 * 2 * 2
    assert min(len(app.received()) for app in apps) > 300


def test_A38_what_is_known_of_an_app(dash_app, machine, server, tmp_path):
    """The page comes through one proxy and its callbacks through the other, which has never seen it; so it is when that one has
    been restarted."""
    redis, app = server(Redis), dash_app("redeployed.py")
    one, two = (machine([app], redis.storage(), folder=tmp_path) for _ in range(2))
    Client(one.url, HOST).open()
    for _ in range(2):
        assert offloaded(two, FIRST) == set(FIRST)
        two.restart()


@pytest.mark.parametrize("restart, near", [(False, ""), (False, "near file"), (True, ""), (True, "near file")])
def test_A38_a_redeploy(dash_app, machine, server, tmp_path, restart, near):
    """After a redeploy in which a Store becomes read by the browser, and another a table, the page comes through one proxy and
    its callbacks through the other, which knew the deployment before: those two stay inline."""
    redis, first = server(Redis), dash_app("redeployed.py")
    one, two = (machine([first], redis.storage(near and f"{near} {tmp_path / name}"), folder=tmp_path) for name in ("one", "two"))
    Client(one.url, HOST).open()
    assert offloaded(two, FIRST) == set(FIRST)
    first.stop()
    if restart:
        two.stop()
    dash_app("redeployed.py", env={"DEPLOYMENT": "2"}, port=first.port)
    if restart:
        two.start()
    Client(one.url, HOST, retries=5).open()
    assert offloaded(two, SECOND) == {"kept.data", "new.data"}


def offloaded(caddy, outputs):
    """The outputs that are tokens, of a callback through this Caddy."""
    values = Client(caddy.url, HOST, retries=5).outputs(outputs, {"fill.n_clicks": 1})
    return {name for name, value in values.items() if is_token(value)}
