"""Stores with dict ids: MATCH, ALL and ALLSMALLER, also with ids that need escapes, and Stores that come and go."""

from compat import ALL, ALLSMALLER, MATCH, Input, Output, State, button, callback_context, dcc, html, new_app, report, seen

INDEXES = [0, 1, 2, 10, 2.5]
NAMES = ["plain", "a \"quote\"", "back\\slash", "a.dot", "Größe 🎈", "{\"a\":1}", "[\"ALL\"]", True]

app = new_app(__name__, suppress_callback_exceptions=True)
app.layout = html.Div([
    button("fill"), button("compare"), button("name"), button("add"), button("drop"),
    *[html.Div([
        html.Button("step {}".format(n), id={"type": "step", "index": n}, className="step"),
        dcc.Store(id={"type": "number", "index": n}),
        report({"type": "matched", "index": n}), report({"type": "smaller", "index": n}),
    ]) for n in INDEXES],
    *[dcc.Store(id={"name": name, "type": "named"}) for name in NAMES],
    *[report({"name": name, "type": "shown"}) for name in NAMES],
    report("numbers"), report("names"),
    html.Div(id="more"), report("of-more"),
])


@app.callback(Output({"type": "number", "index": MATCH}, "data"),
              [Input({"type": "step", "index": MATCH}, "n_clicks"), Input("fill", "n_clicks")],
              [State({"type": "number", "index": MATCH}, "data"), State({"type": "number", "index": MATCH}, "id")])
def step(clicks, fills, data, component_id):
    return {"id": component_id, "clicks": [clicks, fills], "rows": list(range((clicks or 0) + 1)), "had": bool(data)}


@app.callback(Output({"type": "matched", "index": MATCH}, "children"), [Input({"type": "number", "index": MATCH}, "data")])
def matched(data):
    return seen("matched {}".format(callback_context.outputs_list["id"]["index"]), data)


@app.callback(Output({"type": "smaller", "index": MATCH}, "children"), [Input({"type": "step", "index": MATCH}, "title")],
              [State({"type": "number", "index": ALLSMALLER}, "data")], prevent_initial_call=True)
def smaller(title, before):
    return seen("smaller {}".format(callback_context.outputs_list["id"]["index"]), title, before)


@app.callback(Output({"type": "step", "index": ALL}, "title"), [Input("compare", "n_clicks")],
              [State({"type": "step", "index": ALL}, "id")], prevent_initial_call=True)
def compare(clicks, ids):
    return [str(clicks)] * len(ids)


@app.callback(Output("numbers", "children"), [Input({"type": "number", "index": ALL}, "data")],
              [State({"type": "number", "index": ALL}, "id")])
def numbers(data, ids):
    triggered = sorted(entry["prop_id"] for entry in callback_context.triggered)
    return seen("numbers", data, ids, triggered, callback_context.inputs, callback_context.inputs_list)


@app.callback(Output({"name": ALL, "type": "named"}, "data"), [Input("name", "n_clicks")],
              [State({"name": ALL, "type": "named"}, "id")])
def name_all(clicks, ids):
    return [{"of": component_id, "clicks": clicks} for component_id in ids]


@app.callback(Output({"name": MATCH, "type": "shown"}, "children"), [Input({"name": MATCH, "type": "named"}, "data")])
def shown(data):
    return seen("shown {}".format(callback_context.outputs_list["id"]["name"]), data)


@app.callback(Output("names", "children"), [Input({"name": ALL, "type": "named"}, "data")])
def names(data):
    return seen("names", data)


@app.callback(Output("more", "children"), [Input("add", "n_clicks"), Input("drop", "n_clicks")])
def more(added, dropped):
    return [dcc.Store(id={"type": "more", "index": n, "ünï\"": "k"}, data={"initial": list(range(n))})
            for n in range((added or 0) - (dropped or 0))]


@app.callback(Output("of-more", "children"), [Input({"type": "more", "index": ALL, "ünï\"": "k"}, "data")])
def of_more(data):
    return seen("of_more", data)
