"""Pages by a callback on url.pathname, flat layout: a Store filled on page one is read on page two, and after Back."""

from compat import Input, Output, State, button, dcc, html, new_app, report, seen

app = new_app(__name__, suppress_callback_exceptions=True)
app.layout = html.Div([
    dcc.Location(id="url", refresh=False),
    dcc.Link("to one", id="to-one", href="/one"), dcc.Link("to two", id="to-two", href="/two"),
    dcc.Store(id="shared"),
    html.Div(id="page"),
])


def page_one():
    return html.Div([button("fill"), report("of-one"), dcc.Store(id="one", data={"page": 1, "rows": list(range(60))})])


def page_two():
    return html.Div([button("read"), report("of-two"), html.Div([dcc.Store(id="two", data=[{"page": 2}] * 30)])])


@app.callback(Output("page", "children"), [Input("url", "pathname")])
def page(path):
    return page_two() if path == "/two" else page_one()


@app.callback(Output("shared", "data"), [Input("fill", "n_clicks")], [State("shared", "data"), State("one", "data")])
def fill(clicks, shared, one):
    if clicks is None:
        return shared
    return {"clicks": clicks, "one": one, "before": bool(shared)}


@app.callback(Output("of-one", "children"), [Input("one", "data"), Input("shared", "data")])
def of_one(one, shared):
    return seen("of_one", one, shared)


@app.callback(Output("of-two", "children"), [Input("read", "n_clicks"), Input("two", "data")], [State("shared", "data")])
def of_two(clicks, two, shared):
    return seen("of_two", clicks, two, shared)
