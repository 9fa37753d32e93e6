"""The sites of a Caddy whose configuration changes."""

from __future__ import annotations

import random
from collections.abc import Sequence

from .caddy import short_lived, site, stash

TUNING = "", "min_size 1B", "max_payload 50KB", "ttl 10s"


class Sites:
    """Sites with dash_stash, each given by its port, the ports of its apps, and options. The option "secret own" stands for
    one that they share, and rotated() changes."""

    def __init__(self, *sites: tuple[int, Sequence[int], str]):
        self._sites = sites
        self._secrets = ["the-very-first-one"]

    def text(self, tuning: str = "") -> str:
        """The Caddyfile, with a further option for each site."""
        own = f"secret {' '.join(self._secrets)}"
        return "".join(site(port, short_lived(*apps), stash(f"{options.replace('secret own', own)}\n{tuning}"))
                       for port, apps, options in self._sites)

    def tuned(self, chance: random.Random) -> str:
        """The same sites, which store less or more, or not for long."""
        return self.text(chance.choice(TUNING))

    def rotated(self, chance: random.Random) -> str:
        """The same sites with a new secret. It opens tokens that the older ones made, or some of them, or none."""
        self._secrets = [f"{chance.randrange(1 << 64):020}", *self._secrets[:chance.randrange(3)]]
        return self.text()
