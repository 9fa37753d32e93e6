"""Stores of each storage type on two pages of one layout: over reloads, back and forward, and in two tabs."""

from compat import Input, Output, State, button, dcc, html, new_app, report, seen

TYPES = ["memory", "session", "local"]

app = new_app(__name__)
app.layout = html.Div([
    dcc.Location(id="url", refresh=False),
    dcc.Link("to one", id="to-one", href="/one"), dcc.Link("to two", id="to-two", href="/two"),
    button("fill"), button("fewer"), button("read"),
    *[dcc.Store(id="of-" + kind, storage_type=kind) for kind in TYPES],
    dcc.Store(id="start", storage_type="session", data={"from": "the layout", "rows": list(range(40))}),
    report("page"), report("report"), report("stamped"),
])


@app.callback([Output("of-" + kind, "data") for kind in TYPES], [Input("fill", "n_clicks"), Input("fewer", "n_clicks")],
              [State("of-" + kind, "data") for kind in TYPES])
def fill(clicks, fewer, *stores):
    if clicks is None and fewer is None:
        return stores
    count = 30 * (clicks or 0) - (fewer or 0)
    return [{"of": kind, "rows": list(range(count)), "had": bool(had)} for kind, had in zip(TYPES, stores)]


@app.callback(Output("page", "children"), [Input("url", "pathname")], [State("of-" + kind, "data") for kind in TYPES])
def page(path, *stores):
    return seen("page", path, *stores)


@app.callback(Output("report", "children"), [Input("read", "n_clicks")],
              [State("of-" + kind, "data") for kind in TYPES] + [State("start", "data")])
def read(clicks, *stores):
    return seen("read", clicks, *stores)


@app.callback(Output("stamped", "children"), [Input("of-local", "modified_timestamp")], [State("of-local", "data")])
def stamped(timestamp, data):
    return seen("stamped", data)
