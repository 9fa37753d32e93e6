"""docs/benchmarks.md, from the results of storage.py."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

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

How long it takes to put data into a storage and to get it back, side by side in one run: Dashstash's storages; the two backends
of [dash-extensions](https://www.dash-extensions.com), which keep an app's data from within the app and are flask-caching's
`FileSystemCache` and `RedisCache`; and memcpy, which is as fast as this machine copies.

`make bench-storage` on {date}, medians of {rounds} rounds, on {setting}.

![Throughput of each storage, by size](benchmarks.svg)

## Putting and getting

How long a client waits for one operation, in ms, and what all clients get done together, in MB/s. *16* is sixteen clients.

{measured}

How to read it:

- **Differences below 20 % are noise**, and more than that with sixteen clients.
- Sixteen clients at the same time are goroutines of one process for Dashstash; for dash-extensions they are a process for each
  core and threads in them, as under gunicorn. Clients and servers share the cores.
- Dashstash's rows are bytes that go through the package `storage`, in pieces of 64 KiB. `memory` and `file` are full while
  they are put to, at 2,000 payloads or 250 MB, so that evicting is included; the servers have room. `file` does not call fsync,
  as is its default.
- dash-extensions' rows are Python objects that go through its `ServersideOutputTransform`, pickle included: a table as a list of
  dicts, whose JSON is 10 KB, 1 MB or 50 MB long. Its MB/s count that JSON.
- Files come from the page cache, and servers are on the same machine: a slower disk or a network comes on top.
- Putting 10 KB into a file is mostly the file system creating one, which differs much from one file system to another.
- *near in memory* is got from a near layer that has all of it. Putting there is putting into `redis`, and a copy in memory.
- `FileSystemBackend` keeps {threshold} entries by default, and these rows are from before that. Once it is full, each put looks
  through all of its files: putting 10 KB takes {full} ms then.
- memcpy puts into memory that is in use already, and gets into 64 KiB that stay in the processor's cache.

How much of memcpy's throughput that is, and how many times as fast as `file` and `redis`, with one client; below 1 is slower:

{ratios}

## What it comes to for an app

Those rows are of unlike things. For Dashstash, as for plain Dash, the app turns its data into JSON and back, and Dashstash
finds that and hashes it; for dash-extensions there is pickle, which is in its rows. All of it together for those 50 MB, one
client, in ms:

{app}

With [orjson](https://github.com/ijl/orjson) installed, Dash writes JSON with it, without being told; requests, it reads with
Python's `json`. Not in it: the way between app and Caddy (`make bench` has whole callbacks), and for plain Dash, the way to the
browser, which is what the others save.

The kind of data matters as much. 50 MB of rows, and of floats, in ms:

{kinds}

## Which to choose

- **`file`**, the default, for one machine: a restart loses nothing, and it needs no server.
- **`memory`**, where data may go with a restart.
- **`redis`**, where several machines serve one app. With its near layer, by default 64 MiB of memory, what was made or read on a
  machine is got as from `memory`; only the first read on another goes to the server.
- **`memcached`** for the same, where there is one already. It loses all with its restart.
- **dash-extensions**, where the app may be changed for it, and the time for JSON counts more than that, or the data is not JSON.
"""


def report(results: Results, rounds: int, setting: str) -> str:
    """The whole file. The setting is the machine, and the versions of what was measured."""
    return TEXT.format(
        date=date.today().isoformat(), rounds=rounds, setting=setting, threshold=THRESHOLD,
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
    to = {"memcpy": "memcpy", "file": "`file`", "redis": "`redis`"}
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
    def row(name: str, put: Sequence[float], get: Sequence[float]) -> list[str]:
        cells = [*put, sum(put), *get, sum(get)]
        return [name, *(number(1e3 * seconds) if seconds else MISSING for seconds in cells)]

    def of(where: str, operation: str) -> float:
        return results.seconds(where, operation, "50MB")

    dumps = {"": of("json", "dump-rows"), ", with orjson": of("orjson", "dump-rows")}
    load = of("json", "load-rows")
    # What is found for one storage is found for another; what putting into memory adds to it is little.
    caddy = {
        "`storage file`": (of("file", "offload"), of("file", "rehydrate")),
        "`storage redis`, `near off`": (of("memory", "offload") + of("redis", "put"),
                                        of("memory", "rehydrate") + of("redis", "get")),
    }
    head = ["", *(f"{operation}: {part}" for operation in ("put", "get") for part in ("app", "Caddy", "sum"))]
    return table(head, [
        *(row(f"plain Dash{suffix}", (dump, 0), (load, 0)) for suffix, dump in dumps.items()),
        *(row(f"Dashstash, {name}{suffix}", (dump, put), (load, get))
          for suffix, dump in dumps.items() for name, (put, get) in caddy.items()),
        *(row(PLACES[where], (of(where, "put"), 0), (of(where, "get"), 0)) for where in ("extensions-file", "extensions-redis")),
    ], texts=1)


def kinds(results: Results) -> str:
    columns = {"write JSON": ("json", "dump"), "with orjson": ("orjson", "dump"), "pickle": ("pickle", "dump"),
               "read JSON": ("json", "load"), "unpickle": ("pickle", "load")}
    return table(["", *columns], [
        [kind, *(number(1e3 * results.seconds(where, f"{operation}-{kind}", "50MB")) for where, operation in columns.values())]
        for kind in ("rows", "floats")], texts=1)


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
