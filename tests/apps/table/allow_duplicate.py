"""Several callbacks with the same Store as their output (allow_duplicate), alone and among other outputs."""

from compat import Input, Output, State, button, dcc, html, new_app, report, seen

app = new_app(__name__)
app.layout = html.Div([
    button("first"), button("second"), button("third"),
    dcc.Store(id="store"), dcc.Store(id="other"), dcc.Store(id={"index": 1, "type": "dict"}),
    report("report"), report("status"),
])


@app.callback(Output("store", "data"), Input("first", "n_clicks"))
def first(clicks):
    return {"from": "first", "clicks": clicks, "rows": list(range(20))}


@app.callback(Output("store", "data", allow_duplicate=True), Input("second", "n_clicks"), State("store", "data"),
              prevent_initial_call=True)
def second(clicks, data):
    return {"from": "second", "clicks": clicks, "data": data}


@app.callback(Output("store", "data", allow_duplicate=True), Output("other", "data"), Output("status", "children"),
              Output({"index": 1, "type": "dict"}, "data", allow_duplicate=True),
              Input("third", "n_clicks"), State("store", "data"), State("other", "data"), prevent_initial_call=True)
def third(clicks, data, other):
    return {"from": "third", "data": data}, [clicks, other], seen("third", clicks, data, other), {"dict": data}


@app.callback(Output({"index": 1, "type": "dict"}, "data"), Input("first", "n_clicks"))
def of_dict(clicks):
    return [clicks] * 10


@app.callback(Output("report", "children"), Input("store", "data"), Input("other", "data"),
              Input({"index": 1, "type": "dict"}, "data"))
def show(*stores):
    return seen("show", *stores)
