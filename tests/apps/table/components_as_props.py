"""Components in props other than children, with Stores in them, from the layout and from callbacks."""

from compat import ALL, Input, Output, State, button, dcc, html, new_app, report, seen


def label(n, rows):
    return html.Span(["option {}".format(n), dcc.Store(id={"type": "option", "n": n}, data={"n": n, "rows": list(range(rows))})])


app = new_app(__name__, suppress_callback_exceptions=True)
app.layout = html.Div([
    button("more"),
    dcc.Checklist(id="fixed", options=[{"label": label(0, 20), "value": "zero"}], value=[]),
    dcc.Checklist(id="list", options=[], value=[]),
    report("of-fixed"), report("of-list"),
])


@app.callback(Output("list", "options"), Input("more", "n_clicks"), State({"type": "option", "n": 0}, "data"))
def more(clicks, zero):
    return [{"label": label(n, 10 * n), "value": n} for n in range(1, 1 + 2 * (clicks or 0))]


@app.callback(Output("of-fixed", "children"), Input({"type": "option", "n": 0}, "data"), Input("fixed", "value"))
def of_fixed(data, value):
    return seen("of_fixed", data, value)


@app.callback(Output("of-list", "children"), Input("list", "value"), State({"type": "option", "n": ALL}, "data"))
def of_list(value, data):
    return seen("of_list", value, data)
