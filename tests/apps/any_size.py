"""Stores that are filled with as much as is asked for: two with the same data, one with other data."""

import zlib

from dash import Dash, Input, Output, State, dcc, html

app = Dash(__name__)
app.layout = html.Div([
    dcc.Input(id="size", type="number", value=10_000),
    dcc.Input(id="word", value="word"),
    html.Button("Fill", id="fill"),
    dcc.Store(id="one"),
    dcc.Store(id="two"),
    dcc.Store(id="other"),
    html.P(id="report"),
    html.P(id="changes"),
])


def filled(word, size):
    return {"text": (f"{word} " * (size // (len(word) + 1) + 1))[:size]}


@app.callback(
    Output("one", "data"),
    Output("two", "data"),
    Output("other", "data"),
    Input("fill", "n_clicks"),
    State("size", "value"),
    State("word", "value"),
    prevent_initial_call=True,
)
def fill(clicks, size, word):
    return filled(word, size), filled(word, size), filled(f"not {word}", size)


@app.callback(
    Output("report", "children"),
    Input("one", "data"),
    Input("two", "data"),
    Input("other", "data"),
)
def report(*stores):
    return ", ".join(
        "empty" if data is None else f"{len(data['text'])} bytes {zlib.crc32(data['text'].encode()):08x}"
        for data in stores
    )


@app.callback(
    Output("changes", "children"),
    Input("one", "modified_timestamp"),
    State("changes", "children"),
)
def count(timestamp, changes):
    return f"{int((changes or '0 changes').split()[0]) + 1} changes"
