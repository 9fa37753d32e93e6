"""One small app for many places: BACKEND, PREFIX, ROUTES and COMPRESS say where it stands, IN_BROWSER names the Store that a
clientside callback reads, NAME makes its data its own."""

import os

from dash import Dash, Input, Output, State, clientside_callback, dcc, html

NAME = os.environ.get("NAME", "app")
PREFIX = os.environ.get("PREFIX", "/")

app = Dash(
    __name__,
    backend=os.environ.get("BACKEND", "flask"),
    compress=os.environ.get("COMPRESS") == "1",
    requests_pathname_prefix=PREFIX,
    routes_pathname_prefix=os.environ.get("ROUTES", PREFIX),
)
app.layout = html.Div([
    html.Button("Fill", id="fill"),
    html.Button("Read", id="read"),
    dcc.Store(id="first"),
    dcc.Store(id="second"),
    dcc.Store(id="third"),
    dcc.Store(id="given", data=[f"{NAME} {n}" for n in range(500)]),
    html.P(id="report"),
    html.P(id="in-browser"),
])


@app.callback(
    Output("first", "data"),
    Output("second", "data"),
    Output("third", "data"),
    Input("fill", "n_clicks"),
    prevent_initial_call=True,
)
def fill(clicks):
    rows = [{"n": n, "of": NAME, "ratio": n / 4} for n in range(1000 * clicks)]
    return rows, rows[1:], {"some": ["漢字 👋", "ein's"], "rows": rows}


@app.callback(
    Output("report", "children"),
    Input("read", "n_clicks"),
    Input("first", "data"),
    State("second", "data"),
    State("third", "data"),
    State("given", "data"),
)
def report(clicks, first, second, third, given):
    return f"{first and first[-1]}, {second and second[0]}, {third and third['some']}, {given and given[-1]}"


if "IN_BROWSER" in os.environ:
    clientside_callback(
        "data => data ? `${data.length} rows of ${data[0].of}` : 'no rows'",
        Output("in-browser", "children"),
        Input(os.environ["IN_BROWSER"], "data"),
    )
