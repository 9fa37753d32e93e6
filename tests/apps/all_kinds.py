"""One callback sets a Store, a figure, children and a table to the same rows."""

from dash import Dash, Input, Output, dash_table, dcc, html

ROWS = [{"n": n, "square": n * n, "half": n / 2} for n in range(300)]

app = Dash(__name__)
app.layout = html.Div([
    html.Button("Load", id="load"),
    dcc.Store(id="store"),
    dcc.Graph(id="graph"),
    html.Ul(id="list"),
    dash_table.DataTable(id="table", columns=[{"name": name, "id": name} for name in ROWS[0]], page_size=5),
    html.P(id="report"),
])


@app.callback(
    Output("store", "data"),
    Output("graph", "figure"),
    Output("list", "children"),
    Output("table", "data"),
    Input("load", "n_clicks"),
    prevent_initial_call=True,
)
def load(clicks):
    return (
        ROWS,
        {"data": [{"x": [row["n"] for row in ROWS], "y": [row["square"] for row in ROWS], "meta": ROWS}]},
        [html.Li(f"{row}") for row in ROWS],
        ROWS,
    )


@app.callback(
    Output("report", "children"),
    Input("store", "data"),
    Input("graph", "figure"),
    Input("table", "data"),
    prevent_initial_call=True,
)
def report(store, figure, table):
    return f"store {len(store)}, points {len(figure['data'][0]['x'])}, table {len(table)}, equal {store == table}"
