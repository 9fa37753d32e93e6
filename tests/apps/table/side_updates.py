"""set_props on Stores with text and dict ids, on several props, on one Store twice, and beside outputs."""

from compat import Input, Output, State, button, dash, dcc, html, new_app, report, seen

DICT = {"type": "store", "name": "a \"b\".c"}

app = new_app(__name__, suppress_callback_exceptions=True)
app.layout = html.Div([
    button("one"), button("twice"), button("dict"), button("tree"), button("clear"), button("same"),
    dcc.Store(id="store"), dcc.Store(id="output"), dcc.Store(id=DICT), html.Div(id="place"),
    report("of-store"), report("of-dict"), report("of-output"), report("of-late"), report("text"),
])


@app.callback(Output("output", "data"), Input("one", "n_clicks"), State("store", "data"), prevent_initial_call=True)
def one(clicks, store):
    dash.set_props("store", {"data": {"clicks": clicks, "had": store, "rows": list(range(25))}})
    dash.set_props("text", {"children": seen("one", clicks, store)})
    return {"clicks": clicks, "store": store}


@app.callback(Output("output", "data", allow_duplicate=True), Input("twice", "n_clicks"), State("store", "data"),
              prevent_initial_call=True)
def twice(clicks, store):
    dash.set_props("store", {"data": ["first", store]})
    dash.set_props("store", {"data": ["second", store]})
    return ["twice", clicks]


@app.callback(Input("dict", "n_clicks"), State("store", "data"), State(DICT, "data"), prevent_initial_call=True)
def to_dict(clicks, store, before):
    dash.set_props(DICT, {"data": {"clicks": clicks, "store": store, "before": before}})


@app.callback(Input("tree", "n_clicks"), State("store", "data"), prevent_initial_call=True)
def tree(clicks, store):
    dash.set_props("place", {"children": html.Div([dcc.Store(id="late", data={"clicks": clicks, "store": store})])})


@app.callback(Input("clear", "n_clicks"), prevent_initial_call=True)
def clear(clicks):
    dash.set_props("store", {"clear_data": True})


@app.callback(Input("same", "n_clicks"), State("store", "data"), prevent_initial_call=True)
def same(clicks, store):
    dash.set_props("store", {"data": store})


@app.callback(Output("of-store", "children"), Input("store", "data"))
def of_store(data):
    return seen("of_store", data)


@app.callback(Output("of-dict", "children"), Input(DICT, "data"))
def of_dict(data):
    return seen("of_dict", data)


@app.callback(Output("of-output", "children"), Input("output", "data"), State("store", "data"))
def of_output(data, store):
    return seen("of_output", data, store)


@app.callback(Output("of-late", "children"), Input("late", "data"))
def of_late(data):
    return seen("of_late", data)
