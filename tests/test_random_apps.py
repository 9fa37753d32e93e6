"""Random apps, and a random walk through each: the page shows the same at each step, directly and through Dashstash.

RANDOM_APPS=200 RANDOM_SEED=12345 takes 200 apps from that seed on; the seed alone takes one. RANDOM_FEATURES="patches trees"
leaves all other features out of the apps: with it, find the one that a failure needs.
"""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from harness.random_walk import Walk, take, watch
from harness.record import TOKEN

APP = Path(__file__).parent / "apps" / "random_app" / "app.py"
FIXED = 6  # seeds, from 1 on
STEPS = 20
FEATURES = os.environ.get("RANDOM_FEATURES", "")


def seeds():
    first = int(os.environ.get("RANDOM_SEED", 1))
    return range(first, first + int(os.environ.get("RANDOM_APPS", 1 if "RANDOM_SEED" in os.environ else FIXED)))


def options(seed):
    """For every second seed all memory Stores whatever their size, for the others all Stores and any limit."""
    if seed % 2:
        return "min_size 0"
    return f"stores auto memory session local\nmin_size {random.Random(seed).choice([0, 3, 30, 300, 1024])}B"


@pytest.mark.parametrize("seed", seeds())
def test_random_app(seed, dash_app, proxy, new_tab):
    print(f"seed {seed}")
    env = {"SEED": str(seed), "FEATURES": FEATURES}
    app = dash_app(APP, bodies=True, env=env)
    caddy = proxy(app, options(seed))
    direct, stashed, walk = new_tab(), new_tab(), Walk(str(seed))
    steps, tokens = [("open", "")], 0
    expected, got = watch(app, direct, direct.open, app.url), watch(app, stashed, stashed.open, caddy.url)
    same(got, expected, seed, env, steps)
    while len(steps) <= STEPS:
        steps.append(walk.next(direct))
        expected, got = (watch(app, tab, take, tab, *steps[-1]) for tab in (direct, stashed))
        same(got, expected, seed, env, steps)
        tokens += sum(bool(TOKEN.search(exchange.request_body.encode())) for exchange in stashed.callbacks)
    assert tokens or not seed % 2


def same(got, expected, seed, env, steps):
    """Fails with the first difference, and with what it takes to see it again."""
    for what, have, want in zip(("the page", "the callbacks", "the requests to the app"), got, expected, strict=True):
        if have != want:
            made = subprocess.run([sys.executable, APP], env={**os.environ, **env}, stdout=subprocess.PIPE, text=True)
            pytest.fail("\n".join([
                f"seed {seed}, step {len(steps) - 1}: {what} differs", f"options: {options(seed)}",
                f"alone: RANDOM_SEED={seed} RANDOM_FEATURES={FEATURES!r} pytest test_random_apps.py",
                f"steps: {', '.join(' '.join(step).strip() for step in steps)}",
                "only through Dashstash:", *without(have, want), "only directly:", *without(want, have),
                "the app:", made.stdout]), pytrace=False)


def without(items, others):
    """The first of the items that the others have not, or not as often."""
    left, more = list(others), []
    for item in items:
        if item in left:
            left.remove(item)
        else:
            more.append(f"  {item}")
    return more[:5]
