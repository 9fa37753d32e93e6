"""make bench: callbacks of a real app, without a browser, so that what is left is the app's own time and what is added to it.

Two go over a frame of N floats (1,000,000), one makes it and one reads it, with the app called directly and through Dashstash, in
turn: medians in seconds, and their ratio. The third has no Store: through plain Caddy, and through Dashstash with all that it can be
asked for: encrypted, and watched. It is called one by one, and by several clients at once.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import requests

sys.path.insert(0, str(Path(__file__).parents[1]))

from harness.app import App  # noqa: E402
from harness.caddy import Caddy, site, stash  # noqa: E402
from harness.process import free_port  # noqa: E402

N = int(os.environ.get("N", 1_000_000))
ROUNDS = int(os.environ.get("ROUNDS", 9))
CALLS = int(os.environ.get("CALLS", 4000))  # of the small callback
SLICES = int(os.environ.get("SLICES", 300))  # in which several clients call it


class Connection(http.client.HTTPConnection):
    """Sends a small request's header and body in one go, as Chromium does (kMaxMergedHeaderAndBodySize in its http_stream_parser.cc)."""

    def request(self, method: str, url: str, body: bytes = b"", headers: dict[str, str] = {}) -> None:  # noqa: B006
        if len(body) > 1400:
            super().request(method, url, body, headers)
            return
        parts: list[bytes] = []
        self.send = parts.append
        super().request(method, url, body or None, headers)
        del self.send
        self.send(b"".join(parts))


class Client:
    """A browser, as far as the app can tell: it knows the Store's value only as bytes, which it sends back."""

    def __init__(self, port: int):
        self._connection = Connection("127.0.0.1", port)
        for path in ("/_dash-layout", "/_dash-dependencies"):
            self._connection.request("GET", path)
            self._connection.getresponse().read()

    def callback(self, output: str, trigger: str, state: dict[str, Any] | str | None = None) -> tuple[bytes, float]:
        """Calls back, and returns the response and the seconds that it took. A state that is a text is JSON."""
        component, prop = output.rsplit(".", 1)
        body = json.dumps({"output": output, "outputs": {"id": component, "property": prop},
                           "inputs": [dict(zip(("id", "property"), trigger.split(".")), value=1)],
                           "changedPropIds": [trigger], "state": ["STATE"] if state else []})
        body = body.replace('"STATE"', state if isinstance(state, str) else json.dumps(state)).encode()
        start = time.perf_counter()
        self._connection.request("POST", "/_dash-update-component", body, {"Content-Type": "application/json"})
        response = self._connection.getresponse()
        content = response.read()
        seconds = time.perf_counter() - start
        if response.status != 200:
            raise RuntimeError(f"{output}: status {response.status}: {content[:500]!r}")
        return content, seconds

    def round(self) -> tuple[float, float, int, bytes]:
        """One round: seconds to make the frame and to take its mean, the bytes of the Store's value here, the mean."""
        made, make_seconds = self.callback("frame.data", "make.n_clicks", {"id": "n", "property": "value", "value": N})
        head, tail = b'{"multi":true,"response":{"frame":{"data":', b"}}}"
        value = made.strip().removeprefix(head).removesuffix(tail).decode()
        state = f'{{"id":"frame","property":"data","value":{value}}}'
        result, mean_seconds = self.callback("result.children", "mean.n_clicks", state)
        return make_seconds, mean_seconds, len(value), result


def in_turn(clients: dict[str, Client], measure: Callable[[Client], Any]) -> dict[str, list]:
    """What measure says of each client, in ROUNDS rounds behind one that does not count."""
    results: dict[str, list] = {name: [] for name in clients}
    for number in range(ROUNDS + 1):
        for name, client in clients.items():
            result = measure(client)
            if number > 0:
                results[name].append(result)
    return results


def frames(clients: dict[str, Client]) -> None:
    print(f"a frame of {N:,} floats, medians of {ROUNDS} rounds{'':10}make s    mean s    Store's bytes")
    rounds = in_turn(clients, Client.round)
    if len({result for results in rounds.values() for *_, result in results}) != 1:
        sys.exit("the means differ")
    medians = []
    for name, results in rounds.items():
        makes, means, sizes, _ = zip(*results)
        medians.append((statistics.median(makes), statistics.median(means)))
        print(f"{name:52}{medians[-1][0]:8.3f}{medians[-1][1]:10.3f}{sizes[0]:17,}")
    (make, mean), (our_make, our_mean) = medians
    print(f"{'ratio':52}{our_make / make:8.3f}{our_mean / mean:10.3f}\n")


def small(client: Client) -> float:
    """Calls back without Stores, and returns the seconds that it took."""
    return client.callback("double.children", "n.value")[1]


def tell(names: dict[str, Any], figures: list[float], share: float) -> None:
    """Prints a figure for each way, and what is left of plain Caddy's speed."""
    for name, figure in zip(names, figures):
        print(f"{name:52}{figure:14,.0f}")
    print(f"{'ratio':52}{share:14.3f}")


def one_by_one(clients: dict[str, Client]) -> None:
    """Call by call in random turn, so that whatever else the machine does meets all alike: of the ratio, runs differ by 0.005."""
    print(f"a callback without Stores, medians of {CALLS:,} calls{'':15}microseconds")
    times: dict[str, list[float]] = {name: [] for name in clients}
    for _ in range(CALLS):
        for name in random.sample(list(clients), len(clients)):
            times[name].append(small(clients[name]))
    medians = [1e6 * statistics.median(results) for results in times.values()]
    tell(times, medians, medians[0] / medians[1])


def at_once(ports: dict[str, int], clients: int) -> None:
    """Slices of 20 calls a client in random turn. What is left of plain Caddy's throughput is told over all slices: single ones differ
    by a tenth, so that runs differ by 0.01."""
    print(f"\n{clients} clients at once, {SLICES} slices{'':31}callbacks/s")
    users = {name: [Client(port) for _ in range(clients)] for name, port in ports.items()}
    spent = dict.fromkeys(ports, 0.0)
    with ThreadPoolExecutor(clients) as pool:
        for _ in range(SLICES):
            for name in random.sample(list(ports), len(ports)):
                start = time.perf_counter()
                list(pool.map(lambda client: [small(client) for _ in range(20)], users[name]))
                spent[name] += time.perf_counter() - start
    rates = [SLICES * clients * 20 / seconds for seconds in spent.values()]
    tell(ports, rates, rates[1] / rates[0])


@contextmanager
def watching(caddy: Caddy) -> Iterator[None]:
    """Somebody has the live page open, and Prometheus asks for metrics, more often than it would."""
    ended = threading.Event()

    def watch() -> None:
        url = f"http://127.0.0.1:{caddy.admin_port}/"
        with requests.get(url + "dash_stash/events", stream=True, timeout=10) as events:
            for _ in events.iter_lines():
                requests.get(url + "metrics", timeout=10).raise_for_status()
                if ended.is_set():
                    return

    watcher = threading.Thread(target=watch)
    watcher.start()
    yield
    ended.set()
    watcher.join()


def main() -> None:
    with ExitStack() as at_end:
        folder = Path(at_end.enter_context(tempfile.TemporaryDirectory(prefix="dashstash-bench-")))
        app = App(Path(__file__).with_name("frame_app.py"), folder)
        at_end.callback(app.stop)
        plain, ours = free_port(), free_port()
        upstream = f"127.0.0.1:{app.port}"
        caddy = Caddy(site(plain, upstream) + site(ours, upstream, stash("encrypt")), ours, folder, global_options="metrics")
        at_end.callback(caddy.stop)
        at_end.enter_context(watching(caddy))
        frames({"app called directly": Client(app.port), "through Dashstash": Client(ours)})
        ports = {"through plain Caddy": plain, "through Dashstash": ours}
        one_by_one({name: Client(port) for name, port in ports.items()})
        for clients in (2, 4, 8):
            at_once(ports, clients)


if __name__ == "__main__":
    main()
