"""Callbacks that fail: one returns what JSON cannot hold, one returns too many values."""

from dash import Dash, Input, Output, State, dcc, html

app = Dash(__name__)
app.layout = html.Div([
    html.Button("Load", id="load"),
    html.Button("Return a set", id="set"),
    html.Button("Return three", id="three"),
    html.Button("Read", id="read"),
    dcc.Store(id="first"),
    dcc.Store(id="second"),
    html.P(id="report"),
])


@app.callback(Output("first", "data"), Output("second", "data"), Input("load", "n_clicks"), prevent_initial_call=True)
def load(clicks):
    return list(range(1000)), list(range(1000, 2000))


@app.callback(
    Output("first", "data", allow_duplicate=True),
    Output("second", "data", allow_duplicate=True),
    Input("set", "n_clicks"),
    prevent_initial_call=True,
)
def return_a_set(clicks):
    return ["x" * 5000], {"y" * 5000}


@app.callback(
    Output("first", "data", allow_duplicate=True),
    Output("second", "data", allow_duplicate=True),
    Input("three", "n_clicks"),
    prevent_initial_call=True,
)
def return_three(clicks):
    return ["x" * 5000], ["y" * 5000], ["z" * 5000]


@app.callback(
    Output("report", "children"),
    Input("read", "n_clicks"),
    State("first", "data"),
    State("second", "data"),
    prevent_initial_call=True,
)
def read(clicks, first, second):
    return f"{sum(first)} and {sum(second)}"
