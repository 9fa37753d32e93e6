"""A layout that is a function, with Stores deep in it and data that differs between visits only in what nobody sees."""

from compat import Input, Output, State, button, dcc, html, new_app, report, seen


def deep(levels):
    inner = [dcc.Store(id="deepest", data={"levels": levels, "rows": list(range(70))}), html.P("deep")]
    for _ in range(levels):
        inner = [html.Div(inner)]
    return html.Div(inner)


def layout():
    return html.Div([
        html.Div(html.Div(dcc.Store(id="only-child"))),
        html.Div([html.Div([dcc.Store(id="in-list")]), None, "text", 5]),
        dcc.Loading(dcc.Store(id="in-loading")),
        dcc.Tabs([dcc.Tab(dcc.Store(id="in-tab"), label="tab")]),
        deep(30),
        button("fill"), report("report"), report("of-deepest"),
    ])


NAMES = ["only-child", "in-list", "in-loading", "in-tab"]

app = new_app(__name__)
app.layout = layout


@app.callback([Output(name, "data") for name in NAMES], [Input("fill", "n_clicks")], [State("deepest", "data")])
def fill(clicks, deepest):
    return [{"name": name, "clicks": clicks, "deepest": deepest} for name in NAMES]


@app.callback(Output("report", "children"), [Input(name, "data") for name in NAMES])
def show(*stores):
    return seen("show", *stores)


@app.callback(Output("of-deepest", "children"), [Input("deepest", "data")])
def of_deepest(data):
    return seen("of_deepest", data)
