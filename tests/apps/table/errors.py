"""A callback that fails: an exception, a value JSON cannot hold, a wrong number of outputs. What was before stays."""

from compat import Input, Output, PreventUpdate, State, button, callback_context, dcc, html, new_app, report, seen

app = new_app(__name__)
app.layout = html.Div([
    *[button(name) for name in ("good", "raise", "set", "three", "read")],
    dcc.Store(id="first"), dcc.Store(id="second"), report("report"), report("of-first"),
])


KINDS = ("good", "raise", "set", "three")


@app.callback([Output("first", "data"), Output("second", "data")], [Input(name, "n_clicks") for name in KINDS],
              [State("first", "data")])
def fill(*clicks_and_first):
    *clicks, first = clicks_and_first
    if not any(clicks):
        raise PreventUpdate
    kind = callback_context.triggered[0]["prop_id"].split(".")[0]
    if kind == "raise":
        raise ValueError("as wanted")
    if kind == "set":
        return {"a set"}, {1, 2, 3}
    if kind == "three":
        return 1, 2, 3
    return {"clicks": clicks, "before": bool(first), "rows": list(range(30))}, [clicks] * 20


@app.callback(Output("of-first", "children"), [Input("first", "data")])
def of_first(data):
    return seen("of_first", data)


@app.callback(Output("report", "children"), [Input("read", "n_clicks")], [State("first", "data"), State("second", "data")])
def read(clicks, first, second):
    return seen("read", clicks, first, second)
