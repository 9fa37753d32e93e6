"""memcached as storage: it evicts as it likes, and forgets all with its process; the app never gets anything wrong."""

import pytest

from harness.process import wait_until
from harness.servers import DOWN, Memcached, Memcacheds
from harness.user import EMPTY, RIGHT, User, together


def test_memcached_evicts_what_it_likes(dash_app, proxy, server):
    """When there is more data than memcached keeps, of which it may drop any piece, what is old is right or a miss."""
    place = server(Memcached, "-m", "16")
    caddy = proxy(dash_app("numbered.py"), place.storage("near off"))
    users = [User(caddy.url, f"user {n}") for n in range(16)]
    for user in users:
        user.fill(400_000)
        user.read()
    outcomes = together(lambda user: user.look(), users)
    assert EMPTY in outcomes and set(outcomes) <= {RIGHT, EMPTY}


@pytest.mark.parametrize("near", ["near off", ""])
def test_one_of_two_memcacheds_dies(dash_app, proxy, server, near):
    """Of two memcacheds one is killed, and comes back empty: what was on it is a miss by then, and new data is stored again."""
    place = server(Memcacheds)
    caddy = proxy(dash_app("numbered.py"), place.storage(near))
    caddy.allow("unavailable")
    early, user = User(caddy.url, "early"), User(caddy.url)
    early.fill(5000)
    early.read()
    place.servers[0].kill()
    for _ in range(10):
        user.fill(5000)
        user.look()
        early.look()
    place.servers[0].start()

    def back():
        user.fill(5000)
        return user.tokens == 6 and user.look() == RIGHT

    wait_until(back, "both to be used again")
    assert early.look() == (EMPTY if near else RIGHT)
    assert len(caddy.logs("warn", DOWN)) <= 1
