"""prevent_initial_call=True, or not, per callback: which of them run when the page opens, and with what."""

from compat import Input, Output, State, button, dcc, html, new_app, report, seen

app = new_app(__name__)
app.layout = html.Div([
    button("go"), dcc.Store(id="first"), dcc.Store(id="second"), dcc.Store(id="full", data={"rows": list(range(30))}),
    *[report(name) for name in ("of-first", "of-first-too", "of-second", "of-full", "of-full-too")],
])


@app.callback(Output("first", "data"), [Input("go", "n_clicks")], prevent_initial_call=True)
def first(clicks):
    return {"clicks": clicks, "rows": list(range(25))}


@app.callback(Output("second", "data"), [Input("first", "data")], [State("second", "data")], prevent_initial_call=True)
def second(data, before):
    return [data, before]


@app.callback(Output("of-first", "children"), [Input("first", "data")])
def of_first(data):
    return seen("of_first", data)


@app.callback(Output("of-first-too", "children"), [Input("first", "data")], prevent_initial_call=True)
def of_first_too(data):
    return seen("of_first_too", data)


@app.callback(Output("of-second", "children"), [Input("second", "data"), Input("full", "data")], prevent_initial_call=True)
def of_second(data, full):
    return seen("of_second", data, full)


@app.callback(Output("of-full", "children"), [Input("full", "data")])
def of_full(data):
    return seen("of_full", data)


@app.callback(Output("of-full-too", "children"), [Input("full", "data")], prevent_initial_call=True)
def of_full_too(data):
    return seen("of_full_too", data)
