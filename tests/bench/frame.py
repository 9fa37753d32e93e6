"""make bench: two callbacks over a frame of N floats (1,000,000), one that makes it and one that reads it, with the app called
directly and through Dashstash, in turn. Prints the medians in seconds and their ratio.

Without a browser: what is left is the app's own time, and what Dashstash adds to it.
"""

from __future__ import annotations

import http.client
import json
import os
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from harness.app import App  # noqa: E402
from harness.caddy import Caddy, site, stash  # noqa: E402
from harness.process import free_port  # noqa: E402

N = int(os.environ.get("N", 1_000_000))
ROUNDS = int(os.environ.get("ROUNDS", 9))


class Client:
    """A browser, as far as the app can tell: it knows the Store's value only as bytes, which it sends back."""

    def __init__(self, port: int):
        self._connection = http.client.HTTPConnection("127.0.0.1", port)
        for path in ("/_dash-layout", "/_dash-dependencies"):
            self._connection.request("GET", path)
            self._connection.getresponse().read()

    def callback(self, output: str, trigger: str, state: dict[str, Any] | str) -> tuple[bytes, float]:
        """Calls back, and returns the response and the seconds that it took. A state that is a text is JSON."""
        component, prop = output.rsplit(".", 1)
        body = json.dumps({"output": output, "outputs": {"id": component, "property": prop},
                           "inputs": [{"id": trigger, "property": "n_clicks", "value": 1}],
                           "changedPropIds": [f"{trigger}.n_clicks"], "state": ["STATE"]})
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
        made, make_seconds = self.callback("frame.data", "make", {"id": "n", "property": "value", "value": N})
        head, tail = b'{"multi":true,"response":{"frame":{"data":', b"}}}"
        value = made.strip().removeprefix(head).removesuffix(tail).decode()
        state = f'{{"id":"frame","property":"data","value":{value}}}'
        result, mean_seconds = self.callback("result.children", "mean", state)
        return make_seconds, mean_seconds, len(value), result


def main() -> None:
    with ExitStack() as at_end:
        folder = Path(at_end.enter_context(tempfile.TemporaryDirectory(prefix="dashstash-bench-")))
        app = App(Path(__file__).with_name("frame_app.py"), folder)
        at_end.callback(app.stop)
        port = free_port()
        caddy = Caddy(site(port, f"127.0.0.1:{app.port}", stash()), port, folder)
        at_end.callback(caddy.stop)

        clients = {"app called directly": Client(app.port), "through Dashstash": Client(port)}
        rounds: dict[str, list] = {name: [] for name in clients}
        for number in range(ROUNDS + 1):
            print(f"· round {number} of {ROUNDS}{' (not counted)' if number == 0 else ''}", file=sys.stderr)
            for name, client in clients.items():
                result = client.round()
                if number > 0:
                    rounds[name].append(result)
        if len({result for results in rounds.values() for *_, result in results}) != 1:
            sys.exit("the means differ")

    print(f"a frame of {N:,} floats, medians of {ROUNDS} rounds{'':10}make s    mean s    Store's bytes")
    medians = {}
    for name, results in rounds.items():
        makes, means, sizes, _ = zip(*results)
        medians[name] = statistics.median(makes), statistics.median(means)
        print(f"{name:52}{medians[name][0]:8.3f}{medians[name][1]:10.3f}{sizes[0]:17,}")
    direct, ours = medians.values()
    print(f"{'ratio':52}{ours[0] / direct[0]:8.3f}{ours[1] / direct[1]:10.3f}")


if __name__ == "__main__":
    main()
