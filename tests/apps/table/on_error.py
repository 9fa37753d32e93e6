"""on_error for one callback and for the app: what the handlers return, set, and leave alone."""

from compat import Input, Output, State, button, dash, dcc, html, new_app, report, seen


def of_app(error):
    dash.set_props("message", {"children": "the app: {}".format(error)})
    dash.set_props("set", {"data": {"error": str(error), "inputs": dash.ctx.inputs}})


def of_callback(error):
    return {"error": str(error), "inputs": dash.ctx.inputs}, dash.no_update


app = new_app(__name__, on_error=of_app)
app.layout = html.Div([
    button("fill"), button("fail"), button("fail-handled"), button("read"),
    dcc.Store(id="store"), dcc.Store(id="handled"), dcc.Store(id="kept"), dcc.Store(id="set"),
    html.P(id="message"), report("of-set"), report("of-handled"), report("report"),
])


@app.callback(Output("store", "data"), Input("fill", "n_clicks"), Input("fail", "n_clicks"))
def fill(clicks, fails):
    if fails:
        raise ValueError("failed {} \"times\"".format(fails))
    return {"clicks": clicks, "rows": list(range(25))}


@app.callback(Output("handled", "data"), Output("kept", "data"), Input("store", "data"), Input("fail-handled", "n_clicks"),
              on_error=of_callback)
def handled(data, fails):
    if fails:
        raise KeyError("handled")
    return {"of": data}, [data] * 3


@app.callback(Output("of-set", "children"), Input("set", "data"))
def of_set(data):
    return seen("of_set", data)


@app.callback(Output("of-handled", "children"), Input("handled", "data"), State("kept", "data"))
def of_handled(data, kept):
    return seen("of_handled", data, kept)


@app.callback(Output("report", "children"), Input("read", "n_clicks"),
              *[State(name, "data") for name in ("store", "handled", "kept", "set")])
def read(clicks, *stores):
    return seen("read", clicks, *stores)
