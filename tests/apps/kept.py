"""Stores of each storage type, which one click fills and another reads. What a session and a local Store have kept is also
reported when the page opens. PREFIX says where it stands; with CSP=1 the page allows no script but its own."""

import os

import dash

try:
    from dash import Input, Output, State, dcc, html
except ImportError:  # before Dash 2.0
    import dash_core_components as dcc
    import dash_html_components as html
    from dash.dependencies import Input, Output, State

NAMES = ["of-memory", "of-session", "of-local"]
PREFIX = os.environ.get("PREFIX", "/")

app = dash.Dash(__name__, requests_pathname_prefix=PREFIX, routes_pathname_prefix=PREFIX)
app.layout = html.Div([
    html.Button("Fill", id="fill"),
    html.Button("Read", id="read"),
    *[dcc.Store(id=name, storage_type=name[3:]) for name in NAMES],
    html.P(id="report"),
    html.P(id="opening-session"),
    html.P(id="opening-local"),
])


@app.callback([Output(name, "data") for name in NAMES], [Input("fill", "n_clicks")], [State("of-memory", "data")])
def fill(clicks, before):
    if not clicks:
        return [dash.no_update] * 3
    return [list(range(n, n + 1000)) for n in range(clicks, clicks + 3)]


@app.callback(Output("report", "children"), [Input("read", "n_clicks")], [State(name, "data") for name in NAMES])
def report(clicks, *stores):
    return " ".join("none" if data is None else str(sum(data)) for data in stores) if clicks else ""


for kind in ("session", "local"):
    @app.callback(Output(f"opening-{kind}", "children"), [Input(f"of-{kind}", "modified_timestamp")], [State(f"of-{kind}", "data")])
    def opening(_, data):
        return "none" if data is None else str(sum(data))


if os.environ.get("CSP") == "1":
    @app.server.after_request
    def restrict(response):
        response.headers["Content-Security-Policy"] = " ".join(["script-src", "'self'", *app.csp_hashes()])
        return response
