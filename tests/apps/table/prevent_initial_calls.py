"""prevent_initial_callbacks=True for the whole app, with exceptions for single callbacks."""

from compat import Input, Output, State, button, dcc, html, new_app, report, seen

app = new_app(__name__, prevent_initial_callbacks=True)
app.layout = html.Div([
    button("go"), dcc.Store(id="store"), dcc.Store(id="second"), dcc.Store(id="full", data={"rows": list(range(30))}),
    report("of-store"), report("of-second"), report("of-full"),
])


@app.callback(Output("store", "data"), [Input("go", "n_clicks")], [State("store", "data")])
def fill(clicks, before):
    return {"clicks": clicks, "before": before, "rows": list(range(25))}


@app.callback(Output("second", "data"), [Input("store", "data")], prevent_initial_call=False)
def second(data):
    return {"store": data}


@app.callback(Output("of-store", "children"), [Input("store", "data"), Input("full", "data")])
def of_store(data, full):
    return seen("of_store", data, full)


@app.callback(Output("of-second", "children"), [Input("second", "data")])
def of_second(data):
    return seen("of_second", data)


@app.callback(Output("of-full", "children"), [Input("full", "data")], prevent_initial_call=False)
def of_full(data):
    return seen("of_full", data)
