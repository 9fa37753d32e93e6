"""One callback fills three Stores, another reads them all: the app that the thread about server-side caching began with."""

from dash import Dash, Input, Output, State, dcc, html

app = Dash(__name__)
app.layout = html.Div([
    html.Button("Load", id="load"),
    dcc.Store(id="rows"),
    dcc.Store(id="squares"),
    dcc.Store(id="names"),
    html.P(id="summary"),
    dcc.Graph(id="graph"),
])


@app.callback(
    Output("rows", "data"),
    Output("squares", "data"),
    Output("names", "data"),
    Input("load", "n_clicks"),
    prevent_initial_call=True,
)
def load(clicks):
    numbers = list(range(5000 * clicks))
    return (
        [{"n": n, "half": n / 2} for n in numbers],
        {"square": [n * n for n in numbers]},
        [f"name {n}" for n in numbers],
    )


@app.callback(
    Output("summary", "children"),
    Output("graph", "figure"),
    Input("rows", "data"),
    State("squares", "data"),
    State("names", "data"),
)
def draw(rows, squares, names):
    if rows is None:
        return "nothing loaded", {}
    return (
        f"{len(rows)} rows, last {names[-1]}, sum of halves {sum(row['half'] for row in rows)}",
        {"data": [{"x": [row["n"] for row in rows[:100]], "y": squares["square"][:100], "type": "scatter"}]},
    )
