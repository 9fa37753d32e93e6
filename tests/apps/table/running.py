"""running= on ordinary callbacks: Stores, their data and other props while a callback runs; GET /go lets it end."""

import threading

from compat import Input, Output, State, button, dcc, html, new_app, report, seen

GO = threading.Event()

app = new_app(__name__)
app.layout = html.Div([
    button("go"), dcc.Store(id="store"), dcc.Store(id="state"), dcc.Store(id={"type": "state"}),
    report("report"), report("of-state"), report("of-dict"), html.P(id="text"),
])


@app.server.route("/go")
def go():
    GO.set()
    return "gone"


@app.callback(
    Output("store", "data"), Input("go", "n_clicks"), State("store", "data"), prevent_initial_call=True,
    running=[(Output("go", "disabled"), True, False), (Output("text", "children"), "running", "at rest"),
             (Output("state", "data"), {"is": "running", "rows": list(range(20))}, {"is": "at rest"}),
             (Output({"type": "state"}, "data"), ["running"], ["at rest"])],
)
def fill(clicks, before):
    GO.wait(20)
    GO.clear()
    return {"clicks": clicks, "before": before, "rows": list(range(20))}


@app.callback(Output("report", "children"), Input("store", "data"))
def show(data):
    return seen("show", data)


@app.callback(Output("of-state", "children"), Input("state", "data"), State("store", "data"))
def of_state(state, data):
    return seen("of_state", state, data)


@app.callback(Output("of-dict", "children"), Input({"type": "state"}, "data"))
def of_dict(data):
    return seen("of_dict", data)
