"""Two Stores that a button fills with data of the size that is asked for, the first of which another button extends by a Patch. A
further one shows in a list of options what the user gives.
"""

import json
import zlib

from dash import Dash, Input, Output, Patch, State, dcc, html

NAMES = "first", "second"

app = Dash(__name__)
app.layout = html.Div([
    dcc.Input(id="word", value="word"),
    dcc.Input(id="size", type="number", value=10_000),
    *[html.Button(name, id=name) for name in ("fill", "extend", "read", "show")],
    dcc.Input(id="given", value="[]"),
    dcc.Dropdown(id="shown"),
    *[dcc.Store(id=name) for name in NAMES],
    html.P(id="report"),
])


@app.callback(
    *[Output(name, "data") for name in NAMES],
    Input("fill", "n_clicks"),
    State("word", "value"),
    State("size", "value"),
    prevent_initial_call=True,
)
def fill(clicks, word, size):
    words = [f"{word} {clicks} {name} " for name in NAMES]
    return [{"text": (each * (size // len(each) + 1))[:size], "added": []} for each in words]


@app.callback(
    Output("first", "data", allow_duplicate=True),
    Input("extend", "n_clicks"),
    State("word", "value"),
    prevent_initial_call=True,
)
def extend(clicks, word):
    patch = Patch()
    patch["added"].append(f"{word} {clicks}")
    return patch


@app.callback(
    Output("shown", "options"),
    Input("show", "n_clicks"),
    State("given", "value"),
    *[State(name, "data") for name in NAMES],
    prevent_initial_call=True,
)
def show(clicks, given, *stores):
    return json.loads(given)


@app.callback(
    Output("report", "children"),
    Input("read", "n_clicks"),
    *[State(name, "data") for name in NAMES],
    prevent_initial_call=True,
)
def report(clicks, *stores):
    return [
        "empty" if data is None else f"{len(data['text'])} bytes {zlib.crc32(data['text'].encode()):08x} {data['added']}"
        for data in stores
    ]
