"""The plot of storage.py, as SVG: a panel for each size and operation, a line for each place, MB/s to the right."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from math import log10

from results import CLIENTS, SIZES, Results, size_name

PLACES = {  # by the name that a result gives them, in the plot's order
    "memcpy": "memcpy",
    "memory": "memory",
    "near": "Redis, near in memory",
    "file": "file",
    "redis": "Redis",
    "memcached": "memcached",
    "extensions-file": "FileSystemBackend",
    "extensions-redis": "RedisBackend",
}
LABELS, WIDTH, ROW, HEAD, GAP = 150, 300, 22, 34, 44  # pixels: of the labels, a panel, a line in it, its title, between two
TOP = 40
LOW, HIGH = 1, 1e6  # MB/s
# Tones that can be read on white and on black, since GitHub shows a picture on either.
GREY, OURS, THEIRS = "#7b8490", "#3b82d6", "#d0722a"


def plot(results: Results) -> str:
    height = TOP + len(SIZES) * (HEAD + ROW * len(PLACES) + GAP)
    width = LABELS + 2 * (WIDTH + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="12" fill="{GREY}">',
        *legend(),
    ]
    for row, size in enumerate(SIZES):
        top = TOP + row * (HEAD + ROW * len(PLACES) + GAP)
        for line, label in enumerate(PLACES.values()):
            parts.append(text(LABELS - 10, middle(top, line) + 4, label, "end"))
        for column, operation in enumerate(("put", "get")):
            parts += panel(results, operation, size, LABELS + column * (WIDTH + GAP), top)
    return "\n".join([*parts, "</svg>", ""])


def legend() -> Iterator[str]:
    x = LABELS
    for fill, label, color in (("full", "one client", GREY), ("none", "sixteen clients together", GREY),
                               ("full", "Dashstash", OURS), ("full", "dash-extensions", THEIRS)):
        yield dot(x + 5, 16, color, fill == "full")
        yield text(x + 16, 20, label)
        x += 40 + 6.4 * len(label)


def panel(results: Results, operation: str, size: str, left: float, top: float) -> Iterator[str]:
    yield text(left, top + 16, f"{operation} {size_name(size)}, MB/s")
    bottom = top + HEAD + ROW * len(PLACES)
    for power in range(round(log10(LOW)), round(log10(HIGH)) + 1):
        x = left + position(10 ** power)
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top + HEAD - 6}" y2="{bottom}" stroke="{GREY}" stroke-opacity="0.3"/>'
        yield text(x, bottom + 13, scale(power), "middle")
    for line, where in enumerate(PLACES):
        if (where, operation, size, 1) in results:
            yield from mark(results, where, operation, size, left, middle(top, line))


def mark(results: Results, where: str, operation: str, size: str, left: float, y: float) -> Iterator[str]:
    one, many = (left + position(results.rate(where, operation, size, clients) / 1e6) for clients in CLIENTS)
    color = GREY if where == "memcpy" else THEIRS if where.startswith("extensions") else OURS
    yield f'<line x1="{one:.1f}" x2="{many:.1f}" y1="{y}" y2="{y}" stroke="{color}" stroke-width="2"/>'
    yield dot(many, y, color, False)
    yield dot(one, y, color, True)


def dot(x: float, y: float, color: str, full: bool) -> str:
    fill = f'fill="{color}"' if full else f'fill="none" stroke="{color}" stroke-width="2"'
    return f'<circle cx="{x:.1f}" cy="{y}" r="{5 if full else 6}" {fill}/>'


def middle(top: float, line: int) -> float:
    return top + HEAD + ROW * (line + 0.5)


def position(rate: float) -> float:
    """Where a rate is in a panel, on a logarithmic scale."""
    share = log10(rate / LOW) / log10(HIGH / LOW)
    return WIDTH * min(1.0, max(0.0, share))


def scale(power: int) -> str:
    """A power of ten as it is written below a panel: 1, 10, 100, 1k."""
    return f"{10 ** (power % 3)}{('', 'k', 'M')[power // 3]}"


def text(x: float, y: float, content: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y}" text-anchor="{anchor}">{escape(content)}</text>'
