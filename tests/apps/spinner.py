"""dcc.Loading around a Store and what is drawn from it. The load lasts until somebody asks for /go."""

import threading

from dash import Dash, Input, Output, dcc, html

app = Dash(__name__)
app.layout = html.Div([
    html.Button("Load", id="load"),
    dcc.Loading(id="loading", children=[dcc.Store(id="store"), html.P("empty", id="report")]),
])
go = threading.Event()


@app.server.get("/go")
def let_go():
    go.set()
    return "gone"


@app.callback(Output("store", "data"), Input("load", "n_clicks"), prevent_initial_call=True)
def load(clicks):
    go.wait(30)
    go.clear()
    return list(range(5000))


@app.callback(Output("report", "children"), Input("store", "data"), prevent_initial_call=True)
def report(data):
    return f"sum {sum(data)}"
