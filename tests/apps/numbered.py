"""Stores that one click fills, each with data of its own, of the size that is asked for; as many as the environment variable
STORES says."""

import os
import zlib

from dash import Dash, Input, Output, State, dcc, html

NAMES = [f"store-{n}" for n in range(int(os.environ.get("STORES", "6")))]

app = Dash(__name__)
app.layout = html.Div([
    dcc.Input(id="size", type="number", value=10_000),
    dcc.Input(id="word", value="word"),
    html.Button("Fill", id="fill"),
    html.Button("Read", id="read"),
    *[dcc.Store(id=name) for name in NAMES],
    html.P(id="report"),
])


def filled(word, size):
    return {"text": (word * (size // len(word) + 1))[:size]}


@app.callback(
    *[Output(name, "data") for name in NAMES],
    Input("fill", "n_clicks"),
    State("size", "value"),
    State("word", "value"),
    prevent_initial_call=True,
)
def fill(clicks, size, word):
    data = [filled(f"{word} {clicks} {name} ", size) for name in NAMES]
    return data if len(data) > 1 else data[0]


@app.callback(
    Output("report", "children"),
    Input("read", "n_clicks"),
    *[State(name, "data") for name in NAMES],
    prevent_initial_call=True,
)
def report(clicks, *stores):
    return ", ".join(
        "empty" if data is None else f"{len(data['text'])} bytes {zlib.crc32(data['text'].encode()):08x}"
        for data in stores
    )
