"""Tabs and a dialog: callbacks answer with component trees that hold Stores, some with data; trees kept in Stores, too."""

from compat import Input, Output, State, button, dcc, html, new_app, report, seen

app = new_app(__name__, suppress_callback_exceptions=True)
app.layout = html.Div([
    dcc.Tabs(id="tabs", value="a", children=[dcc.Tab(label=name, value=name, id="tab-" + name) for name in "abc"]),
    html.Div(id="tab"), button("open"), html.Div(id="dialog"), html.Div(id="late"),
    dcc.Store(id="kept"), report("of-kept"), button("restore"), html.Div(id="restored"),
])


@app.callback(Output("tab", "children"), [Input("tabs", "value")], [State("kept", "data")])
def tab(value, kept):
    store = dcc.Store(id="in-tab", data={"tab": value, "rows": [{"n": n, "tab": value} for n in range(50)]})
    inside = {
        "a": html.Div([html.H3("a"), store]),
        "b": [html.H3("b"), html.Div([html.Div([store]), html.P("b")])],
        "c": store,
    }[value]
    return [html.Div(inside), button("keep"), report("of-tab")]


@app.callback(Output("of-tab", "children"), [Input("in-tab", "data")])
def of_tab(data):
    return seen("of_tab", data)


def timeless(tree):
    """The tree without the times of changes and clicks."""
    if isinstance(tree, list):
        return [timeless(item) for item in tree]
    if isinstance(tree, dict):
        return {key: timeless(value) for key, value in tree.items() if not key.endswith("_timestamp")}
    return tree


@app.callback(Output("kept", "data"), [Input("keep", "n_clicks")], [State("in-tab", "data"), State("tab", "children")])
def keep(clicks, data, tree):
    return {"clicks": clicks, "data": data, "tree": timeless(tree)}


@app.callback(Output("of-kept", "children"), [Input("kept", "data")])
def of_kept(data):
    return seen("of_kept", data)


@app.callback(Output("dialog", "children"), [Input("open", "n_clicks")], [State("dialog", "children")])
def dialog(clicks, before):
    if not clicks:
        return None
    return html.Div([seen("dialog", timeless(before)), dcc.Store(id="in-dialog", data=["dialog", clicks] * 20), report("of-dialog")])


@app.callback(Output("of-dialog", "children"), [Input("in-dialog", "data")], [State("kept", "data")])
def of_dialog(data, kept):
    return seen("of_dialog", data, kept)


@app.callback(Output("restored", "children"), [Input("restore", "n_clicks")], [State("kept", "data")])
def restore(clicks, kept):
    if not clicks or not kept:
        return "nothing"
    return [html.Pre(seen("restore", kept["data"])), dcc.Store(id="restored-store", data=kept["data"])]
