"""One callback fills three Stores, or leaves some of them (no_update), or all (PreventUpdate)."""

from compat import Input, Output, PreventUpdate, State, button, callback_context, dcc, html, new_app, no_update, report, seen

NAMES = ["first", "second", "third"]

app = new_app(__name__)
app.layout = html.Div([
    *[button(name) for name in ("all", "middle", "none", "prevented", "read")],
    *[dcc.Store(id=name) for name in NAMES],
    report("status"), report("report"), *[report("of-" + name) for name in NAMES],
])


@app.callback(
    [Output(name, "data") for name in NAMES] + [Output("status", "children")],
    [Input(name, "n_clicks") for name in ("all", "middle", "none", "prevented")],
    [State("second", "data")],
)
def fill(everything, middle, none, prevented, second):
    if not any((everything, middle, none, prevented)):
        raise PreventUpdate
    kind = callback_context.triggered[0]["prop_id"]
    rows = [{"n": n, "clicks": everything} for n in range(20)]
    status = seen("fill", kind, second)
    if kind == "prevented.n_clicks":
        raise PreventUpdate
    return {
        "all.n_clicks": (rows, {"rows": rows}, rows[1:], status),
        "middle.n_clicks": (no_update, {"middle": middle, "rows": rows}, no_update, status),
        "none.n_clicks": (no_update,) * 4,
    }[kind]


@app.callback(Output("report", "children"), [Input("read", "n_clicks")], [State(name, "data") for name in NAMES])
def read(clicks, *stores):
    return seen("read", clicks, *stores)


def follow(name):
    @app.callback(Output("of-" + name, "children"), [Input(name, "data")])
    def show(data):
        return seen(name, data)


for name in NAMES:
    follow(name)
