"""A Store of each kind, all filled at once: three storage types, dict ids, and one that a clientside callback reads."""

from dash import ALL, Dash, Input, Output, State, clientside_callback, dcc, html

STORES = {
    "of-memory": {"storage_type": "memory"},
    "of-session": {"storage_type": "session"},
    "of-local": {"storage_type": "local"},
    "for-browser": {},
}

app = Dash(__name__)
app.layout = html.Div([
    html.Button("Fill", id="fill"),
    html.Button("Read", id="read"),
    *[dcc.Store(id=name, **props) for name, props in STORES.items()],
    *[dcc.Store(id={"type": "frame", "index": index}) for index in range(2)],
    dcc.Store(id={"type": "cache", "index": 0}),
    html.P(id="report"),
    html.P(id="browser-report"),
])


@app.callback(
    *[Output(name, "data") for name in STORES],
    Output({"type": "frame", "index": ALL}, "data"),
    Output({"type": "cache", "index": 0}, "data"),
    Input("fill", "n_clicks"),
    prevent_initial_call=True,
)
def fill(clicks):
    return *[list(range(1000)) for _ in STORES], [list(range(n, n + 1000)) for n in range(2)], list(range(2, 1002))


@app.callback(
    Output("report", "children"),
    Input("read", "n_clicks"),
    *[State(name, "data") for name in STORES if name != "for-browser"],
    State({"type": "frame", "index": ALL}, "data"),
    State({"type": "cache", "index": 0}, "data"),
    prevent_initial_call=True,
)
def report(clicks, memory, session, local, frames, cache):
    return " ".join("none" if data is None else str(sum(data)) for data in (memory, session, local, *frames, cache))


clientside_callback(
    "data => data ? `${data.length} in the browser` : 'nothing in the browser'",
    Output("browser-report", "children"),
    Input("for-browser", "data"),
)
