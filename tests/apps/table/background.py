"""An app of background callbacks, for any manager: progress, running, cancel and set_props, all with Stores.

A job waits until the file "go" is in the working directory (GET /go makes it), so that a test sees the time between.
"""

import threading
import time
from pathlib import Path

from compat import Input, Output, State, button, dash, dcc, html, new_app, report, shows

GO = Path("go").resolve()


def lossless(manager_class):
    """The class of managers, but asking whether a job runs before asking for its result. Dash asks the other way round, and so
    loses the result of a job that ends in between (dash/_callback.py, plotly/dash#2808)."""

    class Manager(manager_class):
        asked = threading.local()

        def get_result(self, key, job):
            running = super().job_running(job)
            result = super().get_result(key, job)  # which ends the job
            self.asked.running = running and result is self.UNDEFINED
            return result

        def job_running(self, job):
            return self.asked.running

    return Manager


def build(name, manager):
    app = new_app(name, background_callback_manager=manager)
    app.layout = html.Div([
        button("fill"), button("start"), button("cancel"), button("quick"),
        dcc.Store(id="store"), dcc.Store(id="result"), dcc.Store(id="progress"), dcc.Store(id="side"), dcc.Store(id="state"),
        report("text"), report("of-result"), report("of-progress"), report("of-side"), report("of-state"), report("of-quick"),
    ])

    @app.server.route("/go")
    def go():
        GO.touch()
        return "gone"

    @app.callback(Output("store", "data"), Input("fill", "n_clicks"))
    def fill(clicks):
        return {"clicks": clicks, "rows": list(range(25))}

    @app.callback(
        Output("result", "data"), Input("start", "n_clicks"), State("store", "data"), State("result", "data"),
        background=True, interval=200, prevent_initial_call=True,
        running=[(Output("start", "disabled"), True, False), (Output("state", "data"), {"is": "running"}, {"is": "at rest"})],
        cancel=[Input("cancel", "n_clicks")],
        progress=[Output("progress", "data"), Output("text", "children")],
        progress_default=[{"default": list(range(5))}, "no progress"],
    )
    def work(set_progress, clicks, store, before):
        set_progress([{"half": store}, "half done"])
        dash.set_props("side", {"data": {"clicks": clicks, "store": store}})
        while not GO.exists():
            time.sleep(0.02)
        GO.unlink()
        return {"clicks": clicks, "store": store, "before": before}

    @app.callback(Output("of-quick", "children"), Input("quick", "n_clicks"), State("store", "data"), State("result", "data"),
                  background=True, interval=100, prevent_initial_call=True)
    def quick(clicks, store, result):
        return "quick {} {!r} {!r}".format(clicks, store, result)

    def follow(name):
        @app.callback(Output("of-" + name, "children"), Input(name, "data"))
        def show(data):
            return shows(data)

    for name in ("result", "progress", "side", "state"):
        follow(name)
    return app
