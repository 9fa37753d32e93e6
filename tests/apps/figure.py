"""One callback reads three Stores and draws a figure from them; it also tells what Dash says of its inputs."""

import json

from dash import Dash, Input, Output, State, ctx, dcc, html

app = Dash(__name__)
app.layout = html.Div([
    html.Button("Load", id="load"),
    dcc.Store(id="x"),
    dcc.Store(id="y"),
    dcc.Store(id="labels"),
    dcc.Graph(id="graph"),
    html.Pre(id="context"),
])


@app.callback(
    Output("x", "data"), Output("y", "data"), Output("labels", "data"), Input("load", "n_clicks"),
    prevent_initial_call=True,
)
def load(clicks):
    numbers = range(500)
    return list(numbers), [n / 7 for n in numbers], {str(n): f"label {n}" for n in numbers}


@app.callback(
    Output("graph", "figure"),
    Output("context", "children"),
    Input("x", "data"),
    Input("y", "data"),
    State("labels", "data"),
    prevent_initial_call=True,
)
def draw(x, y, labels):
    figure = {"data": [{"x": x, "y": y, "text": [labels[str(n)] for n in x], "type": "scatter"}],
              "layout": {"title": {"text": f"{len(x)} points"}}}
    return figure, json.dumps([ctx.triggered, ctx.inputs, ctx.states])
