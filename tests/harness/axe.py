"""What axe-core finds on a page that is hard or impossible to use for some people."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

from playwright.sync_api import Page

from .app import TESTS
from .caddy import REPO

RUN = "() => axe.run(document, {resultTypes: ['violations']}).then(({violations}) => violations)"


@cache
def script() -> str:
    """axe-core, which npm installs below .cache, once."""
    lock = TESTS / "axe" / "package-lock.json"
    folder = REPO / ".cache" / f"axe-{hashlib.sha256(lock.read_bytes()).hexdigest()[:8]}"
    if not folder.exists():
        folder.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="axe-half-", dir=folder.parent, ignore_cleanup_errors=True) as half:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(lock.with_name(name), half)
            subprocess.run(["npm", "ci", "--prefix", half, "--ignore-scripts", "--no-audit", "--no-fund"], check=True,
                           stdout=subprocess.DEVNULL)
            with suppress(OSError):  # somebody else was faster
                Path(half).rename(folder)
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text()


def violations(page: Page) -> list[str]:
    """The violations, of whatever impact, each with the elements."""
    page.evaluate(script())  # which, unlike a script element, the page's Content-Security-Policy does not hinder
    return [f"{found['id']} ({found['impact']}): {found['help']}: {[node['html'][:200] for node in found['nodes']]}"
            for found in page.evaluate(RUN)]
