"""Shows what its user gives it, as JSON, in each kind of prop, and keeps it in Stores. The pages are such that an id may be another
component on each. CLIENTSIDE in the environment names a further Store that a clientside callback reads.
"""

import json
import os

from dash import Dash, Input, Output, Patch, State, dash_table, dcc, html, set_props

PAGES = {
    "/": [dcc.Store(id="df"), dash_table.DataTable(id="table")],
    "/div": [html.Div(id="df")],
    "/table": [dash_table.DataTable(id="df")],
    "/local": [dcc.Store(id="df", storage_type="local")],
}
SHOWN = {
    "shown.children": "children", "shown.title": "title", "shown.data-given": "attribute", "choice.options": "options",
    "choice.value": "value", "graph.figure": "figure", "table.columns": "columns", "table.tooltip_data": "tooltips",
}
BUTTONS = ["fill", "keep", "draw", "rows", "extend", "change", "extend-kept", "add", "set", "set-store", "list", "read", *SHOWN.values()]

app = Dash(__name__, suppress_callback_exceptions=True)
app.layout = html.Div([
    dcc.Location(id="url"),
    dcc.Input(id="given", value="null"),
    *[html.Button(name, id=name) for name in BUTTONS],
    dcc.Store(id="kept"),
    dcc.Store(id="drawn"),
    html.Div(id="shown"),
    dcc.Dropdown(id="choice"),
    dcc.Graph(id="graph"),
    html.Div(id="listed"),
    html.P(id="told"),
    html.Pre(id="drawing"),
    html.Pre(id="report"),
    html.Div(id="page"),
])
app.clientside_callback("data => JSON.stringify(data)", Output("drawing", "children"), Input("drawn", "data"))
if store := os.environ.get("CLIENTSIDE"):
    app.clientside_callback("data => JSON.stringify(data)", Output("drawing", "title"), Input(store, "data"))


@app.callback(Output("page", "children"), Input("url", "pathname"))
def show(path):
    return PAGES[path]


def shows(output, button):
    """Has a button show in an output what the user gives."""
    app.callback(Output(*output.split(".")), Input(button, "n_clicks"), State("given", "value"), prevent_initial_call=True)(
        lambda clicks, given: json.loads(given))


for output, button in {"df.data": "fill", "kept.data": "keep", "drawn.data": "draw", "table.data": "rows", **SHOWN}.items():
    shows(output, button)


def extends(output, button, *states):
    """Has a button add to data by a Patch what the user gives."""

    def extend(clicks, given, *state):
        patch = Patch()
        (patch if output == "table.data" else patch["added"]).append(json.loads(given))
        return patch

    app.callback(Output(*output.split("."), allow_duplicate=True), Input(button, "n_clicks"), State("given", "value"), *states,
                 prevent_initial_call=True)(extend)


extends("df.data", "extend")
extends("df.data", "change", State("df", "data"))
extends("kept.data", "extend-kept")
extends("table.data", "add")


@app.callback(Output("told", "children"), Input("set", "n_clicks"), State("given", "value"), prevent_initial_call=True)
def set_shown(clicks, given):
    set_props("shown", {"title": json.loads(given)})
    set_props("table", {"data": json.loads(given)})
    return "set"


@app.callback(Output("told", "title"), Input("set-store", "n_clicks"), State("given", "value"), prevent_initial_call=True)
def set_store(clicks, given):
    set_props("df", {"data": json.loads(given)})
    return "set"


@app.callback(Output("listed", "children"), Input("list", "n_clicks"), State("given", "value"), prevent_initial_call=True)
def show_in_components(clicks, given):
    given = json.loads(given)
    return [
        dcc.Dropdown(id="made-choice", options=given, value=given),
        dash_table.DataTable(id="made-table", data=given, columns=given, tooltip_data=given),
        dcc.Graph(id="made-graph", figure=given),
        html.Div(id="made-text", title=given, **{"data-given": given}),
    ]


@app.callback(Output("report", "children"), Input("read", "n_clicks"), State("df", "data"), State("kept", "data"),
              State("table", "data"), prevent_initial_call=True)
def read(clicks, *values):
    return json.dumps(values)
