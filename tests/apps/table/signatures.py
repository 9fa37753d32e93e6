"""Flexible signatures: inputs, state and outputs as dicts and tuples, nested; flat on the wire."""

from compat import ALL, Input, Output, State, button, dcc, html, new_app, no_update, report, seen

app = new_app(__name__)
app.layout = html.Div([
    button("go"), button("some"),
    dcc.Store(id="a"), dcc.Store(id="b"), dcc.Store(id="c"),
    *[dcc.Store(id={"type": "many", "index": n}) for n in range(3)],
    report("report"), report("nested"),
])


@app.callback(
    output={"pair": (Output("a", "data"), Output("b", "data")), "c": Output("c", "data"),
            "many": Output({"type": "many", "index": ALL}, "data")},
    inputs={"clicks": Input("go", "n_clicks"), "some": Input("some", "n_clicks")},
    state={"stores": {"a": State("a", "data"), "c": State("c", "data")}},
)
def fill(clicks, some, stores):
    rows = {"clicks": clicks, "some": some, "before": stores["a"] and len(stores["a"])}
    return {"pair": (rows, no_update if some else [rows] * 10), "c": {"c": rows, "a": stores["a"]},
            "many": [[n, clicks] * 5 for n in range(3)]}


@app.callback(Output("report", "children"), inputs=dict(a=Input("a", "data"), b=Input("b", "data")),
              state=dict(c=State("c", "data")))
def show(c, b, a):
    return seen("show", a, b, c)


@app.callback(Output("nested", "children"),
              inputs=[(Input("a", "data"), Input("c", "data")), {"many": Input({"type": "many", "index": ALL}, "data")}])
def nested(pair, several):
    return seen("nested", pair, several)
