"""Stores whose data the layout holds already, large and small, of each type."""

from compat import Input, Output, State, button, dcc, html, new_app, report, seen

VALUES = {
    "dict": {"b": 1, "a": [1, 2.0, None], "10": 1, "9": 2},
    "list": [1, 2.0, "three", None],
    "text": "Grüße \"quoted\"\n",
    "number": 12.0,
    "none": None,
    "false": False,
    "true": True,
    "zero": 0,
    "nothing": "",
    "no-rows": [],
    "no-keys": {},
    "large": [{"n": n, "half": n / 2, "name": "row {}".format(n)} for n in range(3000)],
    "props": {"props": {"id": "none", "data": [1]}, "type": "Store", "namespace": "x"},
    "for-browser": {"rows": list(range(500))},
}

app = new_app(__name__)
app.layout = html.Div([
    button("read"), button("replace"),
    html.Div([dcc.Store(id=name, data=value) for name, value in VALUES.items()] + [dcc.Store(id="without")]),
    report("report"), report("initially"), report("browser"),
    *[report("of-" + name) for name in VALUES],
])


@app.callback(Output("report", "children"), [Input("read", "n_clicks")], [State(name, "data") for name in VALUES])
def read(clicks, *stores):
    return seen("read", clicks, *stores)


@app.callback(Output("initially", "children"), [Input("large", "data"), Input("without", "data")])
def initially(large, without):
    return seen("initially", large, without)


@app.callback([Output("large", "data"), Output("zero", "data"), Output("none", "data")], [Input("replace", "n_clicks")],
              [State("large", "data"), State("zero", "data"), State("none", "data")])
def replace(clicks, large, zero, none):
    if clicks is None:
        return large, zero, none
    return large[clicks:], [zero], {"none": none}


def follow(name):
    @app.callback(Output("of-" + name, "children"), [Input(name, "data")])
    def show(data):
        return seen(name, data)


for name in VALUES:
    follow(name)

app.clientside_callback("function (data) { return JSON.stringify(data); }",
                        Output("browser", "children"), [Input("for-browser", "data")])
