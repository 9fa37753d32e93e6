"""What dash-extensions takes to put and get data, for storage.py, and what JSON takes: a result a line, as JSON.

Data is put and got as its ServersideOutputTransform does that around a callback. Sixteen clients are a process for each core and
threads in them, as under gunicorn.

    python extensions.py <port of a Redis> <an empty folder>
"""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import random
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from dash._utils import to_json
from dash_extensions.enrich import FileSystemBackend, RedisBackend, Serverside, ServersideOutputTransform
from plotly.io.json import config

from results import CLIENTS, SIZES, THRESHOLD, Result

MAX_SIZE = 250_000_000  # bytes of what there is to get, at most
TURN = 20  # times that a client puts or gets before it waits for the others, at most
PATIENCE = 300  # seconds
fork = multiprocessing.get_context("fork")


def rows(size: int) -> list[dict[str, Any]]:
    """The rows of a table, as `DataFrame.to_dict("records")` gives them, whose JSON is about so long."""
    chance = random.Random(1)

    def row() -> dict[str, Any]:
        return {"date": f"2013-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}", "hour": chance.randint(5, 23),
                "carrier": chance.choice(["B6", "DL", "EV", "UA"]), "flight": chance.randint(1, 8500),
                "dest": chance.choice(["ATL", "BOS", "LAX", "MCO", "ORD"]), "dep_delay": float(chance.randint(-20, 200)),
                "air_time": round(chance.uniform(20, 700), 1)}

    length = len(to_json([row() for _ in range(1000)])) / 1000
    return [row() for _ in range(round(size / length))]


def floats(size: int) -> list[float]:
    """Random floats, likewise."""
    chance = random.Random(1)
    return [chance.random() for _ in range(round(size / 19.3))]


def put(transform: ServersideOutputTransform, value: Any) -> str:
    return transform._try_dump(Serverside(value))


def get(transform: ServersideOutputTransform, token: str) -> None:
    if transform._try_load(token) is None:
        raise RuntimeError("what was put is gone")


def together(tasks: list[Callable[[], Any]], times: int) -> float:
    """Seconds that one time of a task takes, while as many clients do theirs at the same time."""
    processes = min(len(tasks), os.cpu_count() or 1)
    line = fork.Barrier(processes + 1, timeout=PATIENCE)
    children = [fork.Process(target=_process, args=(tasks[number::processes], times, line)) for number in range(processes)]
    for child in children:
        child.start()
    line.wait()
    start = time.perf_counter()
    line.wait()
    seconds = time.perf_counter() - start
    for child in children:
        child.join()
    return seconds / times


def _process(tasks: list[Callable[[], Any]], times: int, line: Any) -> None:
    """A process of together(): each task in a thread, once before the start."""
    try:
        tasks[0]()
        with ThreadPoolExecutor(len(tasks)) as pool:
            line.wait()
            list(pool.map(partial(_repeat, times=times), tasks))
        line.wait()
    except BaseException:
        line.abort()
        raise


def _repeat(task: Callable[[], Any], times: int) -> None:
    for _ in range(times):
        task()


def times_of(size: str) -> int:
    return max(1, min(TURN, 2_000_000 // SIZES[size]))


def stored(where: str, backend: FileSystemBackend | RedisBackend, values: dict[str, Any]) -> Iterator[Result]:
    """Putting and getting each value, in a backend that is not full."""
    transform = ServersideOutputTransform([backend])
    for size, value in values.items():
        times = times_of(size)
        for clients in CLIENTS:
            backend.clear()
            yield Result(where, "put", size, clients, together([partial(put, transform, value)] * clients, times))
            backend.clear()
            tokens = [put(transform, value) for _ in range(min(clients, MAX_SIZE // SIZES[size]))]
            tasks = [partial(get, transform, tokens[number % len(tokens)]) for number in range(clients)]
            yield Result(where, "get", size, clients, together(tasks, times))
    backend.clear()


def full(backend: FileSystemBackend, value: Any) -> Iterator[Result]:
    """Putting where something has to go for it."""
    transform = ServersideOutputTransform([backend])
    for _ in range(THRESHOLD + 1):
        put(transform, None)
    yield Result("extensions-file", "put-full", "10KB", 1, together([partial(put, transform, value)], TURN))
    backend.clear()


def serialised(kind: str, size: str, value: Any) -> Iterator[Result]:
    """What stands between objects and bytes: JSON as Dash makes it of an answer and reads it from a request, and pickle."""
    def measured(where: str, operation: str, task: Callable[[], Any]) -> Result:
        times = times_of(size)
        start = time.perf_counter()
        _repeat(task, times)
        return Result(where, f"{operation}-{kind}", size, 1, (time.perf_counter() - start) / times)

    for engine in ("orjson", "json"):
        config.default_engine = engine
        yield measured(engine, "dump", lambda: to_json(value))
    text = to_json(value).encode()
    yield measured("json", "load", lambda: json.loads(text))
    yield measured("pickle", "dump", lambda: pickle.dumps(value, pickle.HIGHEST_PROTOCOL))
    pickled = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    yield measured("pickle", "load", lambda: pickle.loads(pickled))


def results(port: int, folder: str) -> Iterator[Result]:
    config.default_engine = "json"
    values = {name: rows(size) for name, size in SIZES.items()}
    file = FileSystemBackend(folder)
    yield from stored("extensions-file", file, values)
    yield from full(file, values["10KB"])
    yield from stored("extensions-redis", RedisBackend(host="127.0.0.1", port=port), values)
    for size, value in values.items():
        yield from serialised("rows", size, value)
    values.clear()
    yield from serialised("floats", "50MB", floats(SIZES["50MB"]))


if __name__ == "__main__":
    for result in results(int(sys.argv[1]), sys.argv[2]):
        print(json.dumps(result), flush=True)
