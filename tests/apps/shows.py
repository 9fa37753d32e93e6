"""One Store, and a callback that shows whether it receives a token of it. BACKEND is Dash's."""

import json
import os

from dash import Dash, Input, Output, dcc, html

app = Dash(__name__, backend=os.environ.get("BACKEND", "flask"))
app.layout = html.Div([html.Button("Fill", id="fill"), dcc.Store(id="store"), html.P(id="shown")])


@app.callback(Output("store", "data"), Input("fill", "n_clicks"), prevent_initial_call=True)
def fill(clicks):
    return ["the data"] * 200


@app.callback(Output("shown", "children"), Input("store", "data"))
def show(data):
    return f"shown data {'with' if '$dashstash' in json.dumps(data) else 'without'} a token"
