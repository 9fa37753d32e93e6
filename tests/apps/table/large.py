"""A megabyte through a chain of Stores."""

from compat import Input, Output, State, button, dcc, html, new_app, report, seen

app = new_app(__name__)
app.layout = html.Div([
    button("go"), dcc.Store(id="rows"), dcc.Store(id="halves"), report("report"), report("of-rows"),
])


@app.callback(Output("rows", "data"), [Input("go", "n_clicks")])
def rows(clicks):
    return [{"n": n, "third": n / 3, "name": "näme {}".format(n), "ok": n % 2 == 0, "x": None}
            for n in range(14000 * (clicks or 0))]


@app.callback(Output("halves", "data"), [Input("rows", "data")])
def halves(data):
    return {"n": [row["n"] for row in data[::2]], "third": [row["third"] for row in data[::2]]}


@app.callback(Output("report", "children"), [Input("halves", "data")], [State("rows", "data")])
def show(data, state):
    return seen("show", data, state)


@app.callback(Output("of-rows", "children"), [Input("rows", "data")])
def of_rows(data):
    return seen("of_rows", len(data), data)
