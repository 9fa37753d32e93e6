"""A frame of n random floats goes to a Store, and the next callback takes its mean. A third callback has no Store."""

import random

from dash import Dash, Input, Output, State, dcc, html

app = Dash(__name__)
app.layout = html.Div([
    html.Button(id="make"),
    html.Button(id="mean"),
    dcc.Input(id="n", type="number"),
    dcc.Store(id="frame"),
    html.P(id="result"),
    html.P(id="double"),
])


@app.callback(Output("frame", "data"), Input("make", "n_clicks"), State("n", "value"), prevent_initial_call=True)
def make(_, n):
    random.seed(n)
    return {"x": [random.random() for _ in range(n)]}


@app.callback(Output("result", "children"), Input("mean", "n_clicks"), State("frame", "data"), prevent_initial_call=True)
def mean(_, frame):
    return sum(frame["x"]) / len(frame["x"])


@app.callback(Output("double", "children"), Input("n", "value"), prevent_initial_call=True)
def double(n):
    return 2 * n
