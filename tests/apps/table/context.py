"""What the callback context holds: triggered, inputs, states, response."""

from compat import Input, Output, PreventUpdate, State, button, callback_context, dash, dcc, html, new_app, report, seen

NEWER = ("triggered_id", "triggered_prop_ids", "inputs_list", "states_list", "outputs_list", "outputs_grouping")

app = new_app(__name__)
app.layout = html.Div([
    button("left"), button("right"),
    dcc.Store(id="one"), dcc.Store(id="two"), dcc.Store(id="given", data={"given": [1.0, "two"]}),
    report("report"), report("newer"),
])


@app.callback([Output("one", "data"), Output("two", "data")], [Input("left", "n_clicks")])
def both(clicks):
    if clicks is None:
        raise PreventUpdate
    return {"clicks": clicks, "of": "one"}, ["two", clicks]


@app.callback(Output("report", "children"), [Input("one", "data"), Input("two", "data"), Input("right", "n_clicks")],
              [State("given", "data")])
def show(one, two, clicks, given):
    context = callback_context
    return seen("show", one, two, clicks, given, context.triggered, context.inputs, context.states)


@app.callback(Output("newer", "children"), [Input("one", "data"), Input("right", "n_clicks")], [State("given", "data")])
def newer(one, clicks, given):
    context = getattr(dash, "ctx", callback_context)
    found = {name: getattr(context, name) for name in NEWER if hasattr(type(context), name)}
    return seen("newer", one, clicks, given, list(found), *found.values())
