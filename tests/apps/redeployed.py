"""An app of which there are two deployments, by the environment variable DEPLOYMENT: in the second, one Store has become a
table, one is new, and one is read by the browser."""

import os

from dash import Dash, Input, Output, clientside_callback, dash_table, dcc, html

SECOND = os.environ.get("DEPLOYMENT") == "2"

app = Dash(__name__)
app.layout = html.Div([
    html.Button("Fill", id="fill"),
    dcc.Store(id="kept"),
    dash_table.DataTable(id="table-later") if SECOND else dcc.Store(id="table-later"),
    dcc.Store(id="new" if SECOND else "only-first"),
    dcc.Store(id="read-later"),
    html.P(id="count"),
])

IDS = ["kept", "table-later", "read-later", "new" if SECOND else "only-first"]


@app.callback(*[Output(name, "data") for name in IDS], Input("fill", "n_clicks"), prevent_initial_call=True)
def fill(clicks):
    rows = [{"n": n, "clicks": clicks} for n in range(1000)]
    return [rows for _ in IDS]


if SECOND:
    clientside_callback("rows => rows ? `${rows.length} rows` : 'none'", Output("count", "children"), Input("read-later", "data"))
