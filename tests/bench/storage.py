"""make bench-storage: putting and getting 10 KB, 1 MB and 50 MB, in each storage and in dash-extensions' backends, by one client
and by sixteen. Writes docs/benchmarks.md and its plot.

Go's benchmarks are built first, and then run in turn with dash-extensions, ROUNDS times (3): a machine that is busy for a while
is so for all of them. The environment is that of `setup.sh bench`; the servers are started here and by the benchmarks.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from harness.servers import Redis  # noqa: E402
from machine import machine, versions  # noqa: E402
from plot import plot  # noqa: E402
from report import report  # noqa: E402
from results import SIZES, Result, Results  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", 3))
BENCHTIME = os.environ.get("BENCHTIME", "200ms")
DOCS = Path(os.environ.get("DOCS", "docs"))  # from the repository's root, where this runs
# What runs: a package's test program, and the name of what it measures by its benchmark.
BENCHMARKS = [
    ("storagetest", {"Memcpy": "memcpy"}),
    ("memory", {"Store": "memory"}),
    ("file", {"Store": "file"}),
    ("redis", {"Store": "redis", "Near/Get": "near"}),
    ("memcached", {"Store": "memcached"}),
]
INTERCEPTOR = "Payload/flights/(offload|rehydrate)"  # the interceptor's benchmark of what it does with rows of a table, 50 MB
INTERCEPTED = re.compile(r"BenchmarkPayload/flights/\d-(offload|rehydrate)-(\w+)\S*\s.*?([\d.e+]+) MB/s")
LINE = re.compile(r"Benchmark(\w+)/(Put|Get)/(\w+)/clients=(\d+)\S*\s.*?([\d.e+]+) ns/op")


def build(folder: Path) -> None:
    for package in ["./interceptor", *(f"./storage/{name}" for name, _ in BENCHMARKS)]:
        said(["go", "test", "-c", "-o", folder / f"{Path(package).name}.test", package], Path.cwd())


def said(command: Sequence[str | Path], folder: Path) -> str:
    """What a command that runs in a folder writes. If it fails, that is the end."""
    done = subprocess.run(command, cwd=folder, text=True, stdout=subprocess.PIPE)
    if done.returncode != 0:
        sys.exit(f"{command[0]} failed:\n{done.stdout}")
    return done.stdout


def benchmark(folder: Path, package: str, pattern: str) -> str:
    """What a package's benchmarks say."""
    return said([folder / f"{package}.test", "-test.run=^$", f"-test.bench={pattern}", f"-test.benchtime={BENCHTIME}"], folder)


def ours(folder: Path, package: str, names: dict[str, str]) -> Iterator[Result]:
    """Go's results."""
    output = benchmark(folder, package, "|".join(names))
    where_of = {name.partition("/")[0]: where for name, where in names.items()}
    for name, operation, size, clients, nanoseconds in LINE.findall(output):
        yield Result(where_of[name], operation.lower(), size, int(clients), float(nanoseconds) / 1e9)


def intercepted(folder: Path) -> Iterator[Result]:
    """What finding and hashing data takes, storing included."""
    for operation, where, rate in INTERCEPTED.findall(benchmark(folder, "interceptor", INTERCEPTOR)):
        yield Result(where, operation, "50MB", 1, SIZES["50MB"] / (float(rate) * 1e6))


def theirs(folder: Path) -> Iterator[Result]:
    """The results of dash-extensions."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        redis = Redis(Path(place), "--maxmemory", "1gb", "--maxmemory-policy", "allkeys-lru")
        try:
            redis.start()
            command = [sys.executable, Path(__file__).resolve().with_name("extensions.py"), str(redis.port), f"{place}/cache"]
            output = said(command, folder)
        finally:
            redis.stop()
    for line in output.splitlines():
        yield Result(*json.loads(line))


def measure(folder: Path) -> Iterator[Result]:
    for number in range(1, ROUNDS + 1):
        start = time.monotonic()
        for package, names in BENCHMARKS:
            yield from ours(folder, package, names)
        yield from intercepted(folder)
        yield from theirs(folder)
        print(f"· round {number} of {ROUNDS}: {time.monotonic() - start:.0f} s", file=sys.stderr)


def main() -> None:
    setting = f"{machine()}. {versions()}"  # now: the working tree may be another when all is measured
    with ExitStack() as at_end:
        folder = Path(at_end.enter_context(tempfile.TemporaryDirectory(prefix="dashstash-bench-")))
        build(folder)
        results = Results(measure(folder))
    DOCS.mkdir(exist_ok=True)
    (DOCS / "benchmarks.svg").write_text(plot(results))
    text = report(results, ROUNDS, setting)
    (DOCS / "benchmarks.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
