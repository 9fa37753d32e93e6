"""One callback reads three Stores and draws a figure; a table and children of the same rows stay as they are."""

from compat import Input, Output, callback_context, button, dcc, html, new_app, report, seen

NAMES = ["x", "y", "meta"]

app = new_app(__name__)
app.layout = html.Div([
    button("load"), *[dcc.Store(id=name) for name in NAMES],
    html.Div(dcc.Graph(id="graph", figure={"data": []}), style={"visibility": "hidden"}),
    html.Ul(id="list"), report("report"),
])


@app.callback([Output(name, "data") for name in NAMES], [Input("load", "n_clicks")])
def load(clicks):
    count = 20 * (clicks or 0)
    return list(range(count)), [n / 4 for n in range(count)], {"name": "Größe", "clicks": clicks}


@app.callback([Output("graph", "figure"), Output("list", "children"), Output("report", "children")],
              [Input(name, "data") for name in NAMES])
def draw(x, y, meta):
    figure = {"data": [{"x": x, "y": y, "type": "scatter"}], "layout": {"title": {"text": (meta or {}).get("name")}, "meta": meta}}
    return figure, [html.Li("{} {}".format(*point)) for point in zip(x or [], y or [])], seen(
        "draw", x, y, meta, sorted(entry["prop_id"] for entry in callback_context.triggered), callback_context.inputs)
