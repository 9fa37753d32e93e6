"""docs/benchmarks.md, from the results of storage.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date

from machine import machine, versions
from results import SIZES, THRESHOLD, Results, size_name

PLACES = {  # by the name that a result gives them, in the tables' order
    "memcpy": "memcpy",
    "memory": "`storage memory`",
    "near": "`storage redis`, near in memory",
    "file": "`storage file`",
    "redis": "`storage redis`, `near off`",
    "memcached": "`storage memcached`, `near off`",
    "extensions-file": "dash-extensions, `FileSystemBackend`",
    "extensions-redis": "dash-extensions, `RedisBackend`",
}
LOADS = [("put", 1), ("put", 16), ("get", 1), ("get", 16)]
MISSING = "–"

TEXT = """\
# Storages compared

<!-- Written by `make bench-storage`. The words are in tests/bench/report.py. -->

How long it takes to put data into a storage and to get it back, side by side in one run: Dashstash's storages, the two backends of
[dash-extensions](https://www.dash-extensions.com), which keep an app's data from within the app (they are flask-caching's
`FileSystemCache` and `RedisCache`), and memcpy, which is as fast as this machine copies.

`make bench-storage` on {date}: medians of {rounds} rounds.
{machine}.
{versions}.

![Throughput of each storage, by size](benchmarks.svg)

## Putting and getting

A client's wait for one operation in ms, and what all clients get done together in MB/s.

{measured}

How to read it:

- **Differences below 20 % are noise**, and those between rows of sixteen clients are noisier.
- *16* is sixteen clients at the same time: goroutines in one process for Dashstash; for dash-extensions a process for each core and
  threads in them, as under gunicorn. Clients and servers share the cores.
- Dashstash's rows are bytes that go through the package `storage`, in pieces of 64 KiB. `memory` and `file` are full while they are put
  to, at 2,000 payloads or 250 MB, so that evicting is included; `file` does not call fsync, its default. Files come from the page
  cache, and servers are on the same machine: a network or a disk that is slower than them is to be added.
- dash-extensions' rows are Python objects that go through its `ServersideOutputTransform`, pickle included: the rows of a
  table, a list of dicts, of which the JSON is 10 KB, 1 MB, 50 MB. MB/s count the JSON, so that a row of the table is the same data.
- `FileSystemBackend` keeps {threshold} entries by default. These rows are from before that; once it is full, putting 10 KB takes
  {full} ms, since each put then looks through all of its files.
- memcpy puts into memory that is in use already, and gets into 64 KiB that stay in the processor's cache.

## Ratios

How many times as fast as what the column says, and how much of memcpy's throughput, with one client. Below 1 is slower.

{ratios}

## What an app waits for

The tables above compare unlike things: Dashstash keeps bytes, dash-extensions objects. For Dashstash, as for plain Dash, the app
turns its data into JSON and back; for dash-extensions, into pickle and back, which is in its rows. With that added, one
client, in ms:

{app}

With [orjson](https://github.com/ijl/orjson) installed, Dash writes JSON with it, without being told. Requests, Dash reads with Python's `json`.
Not in it: sending the JSON between app and Caddy, and finding and hashing it there, for which `make bench` has the figures; and for
plain Dash, the network to the browser, which is what all of this saves.

What kind of data it is matters as much: 50 MB, in ms,

{kinds}

## Which to choose

- **`file`, the default**, for one machine: a restart loses nothing, and it needs no server.
- **`memory`**, where data may go with a restart.
- **`redis`**, when several machines serve one app, or data has to outlive the machine. With its near layer (`memory` of 64 MiB, the default),
  what was made or read on a machine is got as from `memory`; only the first read elsewhere goes to the server.
- **`memcached`**, for the same where there is one already. It loses all with its restart, and cannot tell what it holds.
- If only one app uses the data, stays on one machine, and keeps objects that JSON does not have, dash-extensions saves the
  JSON, at the price of changing the app.
"""


def report(results: Results, rounds: int) -> str:
    return TEXT.format(
        date=date.today().isoformat(), rounds=rounds, machine=machine(), versions=versions(), threshold=THRESHOLD,
        full=number(1e3 * results.seconds("extensions-file", "put-full", "10KB")),
        measured=measured(results), ratios=ratios(results), app=app(results), kinds=kinds(results))


def measured(results: Results) -> str:
    head = ["size", "kept in", *(f"{operation}{', 16' if clients > 1 else ''}: {unit}"
                                 for operation, clients in LOADS for unit in ("ms", "MB/s"))]
    return table(head, [
        [size_name(size), label, *(cell for load in LOADS for cell in times_and_rate(results, where, size, *load))]
        for size in SIZES for where, label in PLACES.items()])


def times_and_rate(results: Results, where: str, size: str, operation: str, clients: int) -> tuple[str, str]:
    what = where, operation, size, clients
    if what not in results:
        return MISSING, MISSING
    return number(1e3 * results.seconds(*what)), number(results.rate(*what) / 1e6)


def ratios(results: Results) -> str:
    to = {"memcpy": "memcpy", "file": "`file`", "redis": "`redis`", "extensions-file": "`FileSystemBackend`"}
    head = ["size", "kept in", *(f"{operation}: {name}" for operation in ("put", "get") for name in to.values())]

    def ratio(size: str, where: str, operation: str, other: str) -> str:
        if where == other or (where, operation, size, 1) not in results:
            return MISSING
        times = results.seconds(other, operation, size) / results.seconds(where, operation, size)
        return f"{number(100 * times)} %" if other == "memcpy" else number(times)

    return table(head, [
        [size_name(size), label, *(ratio(size, where, operation, other) for operation in ("put", "get") for other in to)]
        for size in SIZES for where, label in PLACES.items() if where != "memcpy"])


def app(results: Results) -> str:
    def ours(where: str, engine: str) -> Callable[[str, str], float]:
        """Seconds in and around one of our storages."""

        def seconds(operation: str, size: str) -> float:
            json = (engine, "dump-rows") if operation == "put" else ("json", "load-rows")
            return results.seconds(*json, size) + results.seconds(where, operation, size)
        return seconds

    ways: dict[str, Callable[[str, str], float]] = {
        "JSON alone": lambda operation, size: results.seconds("json", f"{'dump' if operation == 'put' else 'load'}-rows", size),
        "JSON, `storage file`": ours("file", "json"),
        "JSON, `storage redis`, `near off`": ours("redis", "json"),
        "the same with orjson, `storage file`": ours("file", "orjson"),
        "the same with orjson, `storage redis`, `near off`": ours("redis", "orjson"),
        "dash-extensions, `FileSystemBackend`": lambda operation, size: results.seconds("extensions-file", operation, size),
        "dash-extensions, `RedisBackend`": lambda operation, size: results.seconds("extensions-redis", operation, size),
    }
    columns = [(operation, size) for operation in ("put", "get") for size in SIZES]
    head = ["", *(f"{operation} {size_name(size)}" for operation, size in columns)]
    return table(head, [[way, *(number(1e3 * seconds(*column)) for column in columns)] for way, seconds in ways.items()], texts=1)


def kinds(results: Results) -> str:
    def times(operation: str, kind: str) -> list[str]:
        return [number(1e3 * results.seconds(where, f"{operation}-{kind}", "50MB")) if (where, f"{operation}-{kind}", "50MB", 1)
                in results else MISSING for where in ("json", "orjson", "pickle")]

    head = ["", *(f"{operation}: {where}" for operation in ("write", "read") for where in ("json", "orjson", "pickle"))]
    return table(head, [[kind, *times("dump", kind), *times("load", kind)] for kind in ("rows", "floats")], texts=1)


def table(head: Sequence[str], rows: Iterable[Sequence[str]], texts: int = 2) -> str:
    """A table whose first columns are texts, and the others numbers."""
    rule = ["---"] * texts + ["---:"] * (len(head) - texts)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, rule, *rows])


def number(value: float) -> str:
    """Three digits, as far as that says more than it hides: 0.00123, 12.3, 1,230."""
    if value >= 100:
        step = 10 ** max(0, len(str(int(value))) - 3)
        return f"{round(value / step) * step:,}"
    return f"{value:.3g}"
