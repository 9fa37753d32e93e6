"""modified_timestamp and clear_data: a callback on the former runs when data changes, not when equal data comes again."""

from compat import Input, Output, PreventUpdate, State, button, dcc, html, new_app, report, seen

app = new_app(__name__)
app.layout = html.Div([
    button("next"), button("same"), button("clear"), button("read"),
    dcc.Store(id="store"), dcc.Store(id="copy"),
    report("stamped"), report("changed"), report("of-copy"), report("report"),
])


@app.callback(Output("store", "data"), [Input("next", "n_clicks"), Input("same", "n_clicks")], [State("store", "data")])
def fill(clicks, again, data):
    if clicks is None:
        raise PreventUpdate
    return {"clicks": clicks, "rows": [n * clicks for n in range(20)]}


@app.callback(Output("store", "clear_data"), [Input("clear", "n_clicks")])
def clear(clicks):
    return bool(clicks)


@app.callback(Output("stamped", "children"), [Input("store", "modified_timestamp")], [State("store", "data")])
def stamped(timestamp, data):
    return seen("stamped", "never" if timestamp in (None, -1) else "at some time", data)


@app.callback(Output("changed", "children"), [Input("store", "data")], [State("store", "modified_timestamp")])
def changed(data, timestamp):
    return seen("changed", data, "never" if timestamp in (None, -1) else "at some time")


@app.callback(Output("copy", "data"), [Input("store", "modified_timestamp")], [State("store", "data"), State("copy", "data")])
def copy(timestamp, data, before):
    if data is None:
        raise PreventUpdate
    return data


@app.callback(Output("of-copy", "children"), [Input("copy", "modified_timestamp")], [State("copy", "data")])
def of_copy(timestamp, data):
    return seen("of_copy", data)


@app.callback(Output("report", "children"), [Input("read", "n_clicks")], [State("store", "data"), State("copy", "data")])
def read(clicks, data, copied):
    return seen("read", clicks, data, copied)
