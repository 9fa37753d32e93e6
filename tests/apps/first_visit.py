"""Callbacks on an empty Store, with and without an initial call; PREVENT=1 prevents them for the whole app."""

import os

from dash import Dash, Input, Output, State, dcc, html

app = Dash(__name__, prevent_initial_callbacks=os.environ.get("PREVENT") == "1")
app.layout = html.Div([
    html.Button("Fill", id="fill"),
    html.Button("Clear", id="clear"),
    dcc.Store(id="store"),
    html.P("untouched", id="first"),
    html.P("untouched", id="second"),
])


@app.callback(Output("store", "data"), Input("fill", "n_clicks"))
def fill(clicks):
    return clicks and ["some data"] * 1000


@app.callback(Output("store", "clear_data"), Input("clear", "n_clicks"), prevent_initial_call=True)
def clear(clicks):
    return True


@app.callback(Output("first", "children"), Input("store", "data"), State("first", "children"))
def eager(data, before):
    return f"{before}, then {data and len(data)}"


@app.callback(Output("second", "children"), Input("store", "data"), State("second", "children"), prevent_initial_call=True)
def patient(data, before):
    return f"{before}, then {data and len(data)}"
