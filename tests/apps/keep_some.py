"""One callback fills three Stores, and later leaves some of them as they are."""

from dash import Dash, Input, Output, State, ctx, dcc, html, no_update

app = Dash(__name__)
app.layout = html.Div([
    html.Button("All", id="all"),
    html.Button("Only the second", id="second-only"),
    html.Button("Read", id="read"),
    *[dcc.Store(id=name) for name in ("first", "second", "third")],
    html.P("before", id="status"),
    html.P(id="report"),
])


@app.callback(
    Output("first", "data"),
    Output("second", "data"),
    Output("third", "data"),
    Output("status", "children"),
    Input("all", "n_clicks"),
    Input("second-only", "n_clicks"),
    prevent_initial_call=True,
)
def fill(everything, second_only):
    rows = [{"n": n, "clicks": (everything or 0) + (second_only or 0)} for n in range(1000)]
    if ctx.triggered_id == "second-only":
        return no_update, rows, no_update, "only the second"
    return rows, rows[1:], rows[2:], "all"


@app.callback(
    Output("report", "children"),
    Input("read", "n_clicks"),
    *[State(name, "data") for name in ("first", "second", "third")],
    prevent_initial_call=True,
)
def read(clicks, *stores):
    return "; ".join(f"{len(rows)} rows of click {rows[0]['clicks']}" for rows in stores)
