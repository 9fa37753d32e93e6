"""A chain of three Stores, each set by a callback of one output, with values of every kind that JSON has."""

from compat import Input, Output, State, button, dcc, html, new_app, report, seen

KINDS = {
    "numbers": [0, 1, -1, 5.0, -0.0, 0.1, 1e16, 1e21, 12345678901234567890, 2**53 + 1, 1e-7, 1.0e5],
    "texts": ["", "Grüße 日本語 🎈", "a \"quote\", a \\ and a /", "line\nnext\ttab\u2028\x7f\x00", "</script>", "null", "5"],
    "others": [None, True, False, [], {}, [[]], [{}], {"": ""}],
    "keys": {"b": 1, "a": 2, "10": 3, "9": 4, "01": 5, "-1": 6, "4294967294": 7, "4294967295": 8, "ключ": 9},
    "deep": [[[[{"a": [[{"b": [1.0, [2.50]]}]]}]]]],
}

app = new_app(__name__)
app.layout = html.Div([
    button("go"),
    dcc.Store(id="first"), dcc.Store(id="second"), dcc.Store(id="third"),
    report("report"), report("all"),
])


@app.callback(Output("first", "data"), [Input("go", "n_clicks")])
def first(clicks):
    return {"clicks": clicks, "kinds": KINDS, "rows": [{"n": n, "half": n / 2} for n in range(clicks or 0)]}


@app.callback(Output("second", "data"), [Input("first", "data")])
def second(data):
    return [seen("second", data), data]


@app.callback(Output("third", "data"), [Input("second", "data")], [State("first", "data")])
def third(data, state):
    return {"same": data[1] == state, "data": data, "seen": seen("third", data, state)}


@app.callback(Output("report", "children"), [Input("third", "data")])
def show(data):
    return seen("show", data)


@app.callback(Output("all", "children"), [Input("first", "data"), Input("second", "data"), Input("third", "data")])
def show_all(*stores):
    return seen("show_all", *stores)
