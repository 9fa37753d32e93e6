"""What the documents say: links lead somewhere, Caddyfiles are ones, commands have the flags that are written."""

import os
import re
import shlex
import subprocess
from functools import cache
from pathlib import Path

import pytest

from harness.caddy import REPO, binary, indent

DOCUMENTS = sorted(path for folder in (REPO, REPO / "docs", REPO / "tests") for path in folder.glob("*.md"))
ENVIRONMENT = {"DASH_STASH_SECRET": "0123456789abcdef" * 2, "DASH_STASH_OLD_SECRET": "fedcba9876543210" * 2,
               "REDIS_URL": "redis://127.0.0.1:6379/0", "REDIS_PASSWORD": "swordfish"}


def name(path: Path) -> str:
    return str(path.relative_to(REPO))


def blocks(path: Path, *languages: str) -> list[str]:
    """The blocks of code in a document that are in one of the languages."""
    found = re.findall(r"^```(\w*)\n(.*?)^```", path.read_text(), re.DOTALL | re.MULTILINE)
    return [text for language, text in found if language in languages]


def prose(path: Path) -> str:
    """A document without its blocks of code."""
    return re.sub(r"^```.*?^```", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)


@cache
def anchors(path: Path) -> set[str]:
    """The anchors that GitHub makes of the headings."""
    headings = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_links(path):
    text = re.sub(r"`[^`\n]*`", "", prose(path))
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?://", link):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), f"{link}: there is no such file"
        if anchor:
            assert anchor in anchors(target), f"{link}: there is no such heading"


def test_every_page_is_linked():
    """Each page of docs can be found from the README."""
    seen, todo = set(), [REPO / "README.md"]
    while todo:
        path = todo.pop()
        if path in seen or path.suffix != ".md":
            continue
        seen.add(path)
        todo += [(path.parent / link).resolve() for link in re.findall(r"\]\(([\w./-]+\.md)[#)]", path.read_text())]
    assert set((REPO / "docs").glob("*.md")) <= seen


def whole(block: str) -> str:
    """A Caddyfile of what a document shows, which may be a directive or an option alone."""
    if re.match(r"(storage|secret|ttl) ", block):
        block = f"dash_stash {{\n{indent(block)}\n}}"
    if block.startswith("dash_stash"):
        block = f":8080 {{\n{indent(block)}\n\treverse_proxy 127.0.0.1:8050\n}}"
    return block


CADDYFILES = [pytest.param(text, id=f"{name(path)}-{n}")
              for path in DOCUMENTS for n, text in enumerate(blocks(path, "caddyfile"), 1)]


@pytest.mark.parametrize("text", [*CADDYFILES, pytest.param((REPO / "Caddyfile.example").read_text(), id="Caddyfile.example")])
def test_caddyfiles(text, tmp_path):
    """Caddy takes each of them, with the directories that it names elsewhere."""
    caddyfile = tmp_path / "Caddyfile"
    caddyfile.write_text(re.sub(r"(file\s+)/(srv|var)/", rf"\1{tmp_path}/\2/", whole(text)))
    done = run("validate", "--config", caddyfile, "--adapter", "caddyfile", folder=tmp_path)
    assert done.returncode == 0, done.stderr


def run(*args, folder: Path = REPO) -> subprocess.CompletedProcess:
    env = {**os.environ, **ENVIRONMENT, "XDG_DATA_HOME": str(folder / "data"), "XDG_CONFIG_HOME": str(folder / "config")}
    return subprocess.run([binary(), *map(str, args)], env=env, text=True, capture_output=True, timeout=60)


def commands(path: Path) -> list[list[str]]:
    """The words of each command of Caddy's that a document shows, in a block of its own or within a sentence."""
    lines = [line for block in blocks(path, "sh") for line in block.splitlines()]
    lines += re.findall(r"`([^`\n]+)`", prose(path))
    found = []
    for line in lines:
        line = re.sub(r"\s+#.*", "", line)  # a comment
        for command in re.findall(r"(?:^|[\s/])caddy (?!caddy )((?:[a-z]+-?)+(?: .*)?)$", line):
            found.append(shlex.split(re.sub(r"[<>|…]", " ", command)))
    return found


@cache
def flags(*words: str) -> set[str] | None:
    """The flags that a command knows; None if it is none."""
    parent = words[:-1]
    listed = run(*parent, "--help").stdout
    if not re.search(rf"^  {re.escape(words[-1])} ", listed, re.MULTILINE):
        return None
    return set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", run(*words, "--help").stdout))


SHOWN = [pytest.param(words, id=f"{name(path)}-{' '.join(words)}") for path in DOCUMENTS for words in commands(path)]


@pytest.mark.parametrize("words", SHOWN)
def test_commands(words):
    """Each is a command of this Caddy, with flags that it has."""
    depth = 2 if words[0] == "dash-stash" and len(words) > 1 else 1
    known = flags(*words[:depth])
    assert known is not None, f"caddy {' '.join(words[:depth])}: there is no such command"
    given = {word.partition("=")[0] for word in words[depth:] if re.match(r"--?[a-z]", word)}
    assert given <= known


def test_commands_of_ours_are_all_shown():
    """The tables of the reference have every flag of every command of ours, and no other."""
    text = (REPO / "docs" / "reference.md").read_text().split("\n## Commands\n")[1].split("\n## ")[0]
    shown = set(re.findall(r"`(--[a-z-]+)", text)) - {"--help"}
    subcommands = [["dash-proxy"], *(["dash-stash", sub] for sub in ("status", "explain", "purge", "page"))]
    for words in subcommands:
        assert flags(*words) is not None, f"caddy {' '.join(words)}: there is no such command"
    known = set()
    for words in subcommands:
        help_text = run(*words, "--help").stdout.split("\nFlags:\n")[1]
        known |= set(re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", help_text, re.MULTILINE))
    assert shown == known - {"--help"}
