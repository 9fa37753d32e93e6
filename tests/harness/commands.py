"""Caddy's commands that end by themselves, and what they say."""

from __future__ import annotations

import os
import subprocess

from .caddy import binary
from .user import User


def use(url: str) -> User:
    """A user fills six Stores with 20 kB each, and reads them."""
    user = User(url)
    user.fill(20_000)
    user.read()
    return user


def run(*args: str, **env: str) -> subprocess.CompletedProcess:
    """Runs a command that ends by itself."""
    return subprocess.run([binary(), *args], text=True, capture_output=True, timeout=30, stdin=subprocess.DEVNULL,
                          env={**os.environ, **env})


def dash_stash(admin_port: int, *args: str) -> subprocess.CompletedProcess:
    return run("dash-stash", *args, "--address", f"localhost:{admin_port}")


def words(done: subprocess.CompletedProcess) -> str:
    """What a command says that worked."""
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def complaint(done: subprocess.CompletedProcess) -> str:
    """The one line that a command says that did not work."""
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    return done.stderr
