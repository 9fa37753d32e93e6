"""Dash Pages: each page comes as a callback's answer, with Stores that hold data from the start."""

from compat import Input, Output, State, button, dash, dcc, html, new_app, report, seen

app = new_app(__name__, use_pages=True, pages_folder="", suppress_callback_exceptions=True)


def page_one():
    return html.Div([button("fill"), dcc.Store(id="one", data={"page": 1, "rows": list(range(60))}), report("of-one")])


def page_two(name="none", **query):
    stores = [dcc.Store(id={"page": 2, "n": n}, data=[name] * n) for n in (1, 50)]
    return [html.H2("two"), *stores, dcc.Store(id="two", data=[{"page": 2}] * 30), button("read"), report("of-two")]


dash.register_page("one", path="/", layout=page_one)
dash.register_page("two", path_template="/two/<name>", layout=page_two)
app.layout = html.Div([
    dcc.Link("to one", id="to-one", href="/"), dcc.Link("to two", id="to-two", href="/two/Zwei?q=1"),
    dcc.Store(id="shared"),
    dash.page_container,
])


@app.callback(Output("shared", "data"), Input("fill", "n_clicks"), State("shared", "data"), State("one", "data"))
def fill(clicks, shared, one):
    if clicks is None:
        return shared
    return {"clicks": clicks, "one": one, "before": bool(shared)}


@app.callback(Output("of-one", "children"), Input("one", "data"), Input("shared", "data"))
def of_one(one, shared):
    return seen("of_one", one, shared)


@app.callback(Output("of-two", "children"), Input("read", "n_clicks"), Input("two", "data"),
              Input({"page": 2, "n": dash.ALL}, "data"), State("shared", "data"))
def of_two(clicks, two, several, shared):
    return seen("of_two", clicks, two, several, shared)
