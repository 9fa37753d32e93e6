"""memcached as storage: it forgets all with its process; the app never gets anything wrong."""

import pytest

from harness.process import wait_until
from harness.servers import DOWN, Memcacheds
from harness.user import EMPTY, RIGHT, UNAVAILABLE, User


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
        return user.tokens == 6 and user.look() == RIGHT and early.look() != UNAVAILABLE

    wait_until(back, "both to be used again")
    assert early.look() == (EMPTY if near else RIGHT)
    assert caddy.logs("warn", DOWN)
