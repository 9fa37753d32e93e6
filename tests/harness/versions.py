"""The versions of Dash that the tests run, each in an environment of its own: tests/versions holds what is in it."""

from __future__ import annotations

from pathlib import Path

TESTS = Path(__file__).parents[1]


def number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


VERSIONS = sorted((file.stem for file in (TESTS / "versions").glob("*.txt")), key=number)


def python_of(version: str) -> Path:
    """The Python of the environment with this version of Dash, which setup.sh has made."""
    environment = TESTS.parent / ".cache" / f"dash-{version}"
    done = environment / "requirements.txt"  # written when all of it is installed
    if not done.exists() or done.read_text() != (TESTS / "versions" / f"{version}.txt").read_text():
        raise FileNotFoundError(f"{environment} is missing or of other requirements: run tests/setup.sh versions")
    return environment / "bin" / "python"
