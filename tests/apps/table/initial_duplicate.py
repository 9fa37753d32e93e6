"""prevent_initial_call="initial_duplicate": duplicate outputs that run when the page opens, all in one app."""

from compat import Input, Output, State, button, dcc, html, new_app, report, seen

app = new_app(__name__, prevent_initial_callbacks="initial_duplicate")
app.layout = html.Div([
    button("one"), button("two"), dcc.Store(id="store"), dcc.Store(id="other"), report("report"), report("of-other"),
])


@app.callback(Output("store", "data"), Input("one", "n_clicks"))
def one(clicks):
    return {"from": "one", "clicks": clicks, "rows": list(range(25))}


@app.callback(Output("other", "data", allow_duplicate=True), Input("store", "data"), State("other", "data"))
def follow(data, other):
    return {"followed": data, "before": bool(other)}


@app.callback(Output("store", "data", allow_duplicate=True), Input("two", "n_clicks"), State("store", "data"),
              prevent_initial_call=True)
def two(clicks, data):
    return {"from": "two", "data": data}


@app.callback(Output("report", "children"), Input("store", "data"))
def show(data):
    return seen("show", data)


@app.callback(Output("of-other", "children"), Input("other", "data"))
def of_other(data):
    return seen("of_other", data)
