"""Callbacks without outputs: what they do shows through set_props, or in what the server remembers."""

from compat import Input, Output, State, button, dash, dcc, html, new_app, report, seen

REMEMBERED = []

app = new_app(__name__)
app.layout = html.Div([
    button("fill"), button("remember"), button("recall"),
    dcc.Store(id="store"), dcc.Store(id="set"), report("report"), report("of-set"),
])


@app.callback(Output("store", "data"), Input("fill", "n_clicks"))
def fill(clicks):
    return {"clicks": clicks, "rows": list(range(25))}


@app.callback(Input("remember", "n_clicks"), State("store", "data"), State("set", "data"), prevent_initial_call=True)
def remember(clicks, data, before):
    REMEMBERED.append(seen("remember", clicks, data, before))


@app.callback(Input("store", "data"))
def set_other(data):
    dash.set_props("set", {"data": {"copied": data}})


@app.callback(Output("of-set", "children"), Input("set", "data"))
def of_set(data):
    return seen("of_set", data)


@app.callback(Output("report", "children"), Input("recall", "n_clicks"), prevent_initial_call=True)
def recall(clicks):
    text = "\n".join([seen("recall", clicks), *REMEMBERED])
    REMEMBERED.clear()
    return text
