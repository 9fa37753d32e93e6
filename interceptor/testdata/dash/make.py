"""Writes the bodies in this folder, as Dash 4.4.1 answers: python make.py"""
import json
import pathlib

import dash
from dash import ALL, MATCH, ClientsideFunction, Input, Output, Patch, State, dcc, html, set_props

HERE = pathlib.Path(__file__).parent
TREE = [dcc.Store(id="in-page", data={"a": 1}), html.P("page", id="text")]

app = dash.Dash(__name__, suppress_callback_exceptions=True)
app.layout = html.Div(
    [
        dcc.Store(id="df"),
        dcc.Store(id="session", storage_type="session", data=[1, 2]),
        dcc.Store(id={"type": "df", "index": 1}, storage_type="local"),
        dcc.Store(id={"type": "df", "index": "é"}),
        # Data that looks like a component tree.
        dcc.Store(id="tree-as-data", data=html.Div(TREE).to_plotly_json() | {"children": [t.to_plotly_json() for t in TREE]}),
        # Other components with data that looks like a Store.
        dcc.Clipboard(id="no-store", content="x"),
        dash.dash_table.DataTable(
            id="table", data=[{"props": {"id": "fake"}, "type": "Store", "namespace": "dash_core_components"}]
        ),
        dcc.Graph(id="graph", figure={"data": [{"type": "Store", "namespace": "dash_core_components", "x": [1.5]}]}),
        html.Div(id="Store", children=[[dcc.Store(id="in-list")], "text", None, 5]),
        # A component in a prop other than children.
        dcc.Dropdown(
            id="menu",
            options=[{"label": html.Span([dcc.Store(id="in-option", storage_type="local")]), "value": 1}],
        ),
        html.Div(html.Div(html.Div(dcc.Store(id='dée "p"')))),
        html.Div(id="page"),
        html.Button(id="go"),
    ]
)

app.clientside_callback(
    ClientsideFunction("ns", "draw"), Output("graph", "figure"), Input("session", "data"), State("df", "modified_timestamp")
)
app.clientside_callback(
    "(a) => a", Output({"type": "text", "index": MATCH}, "children"), Input({"type": "df", "index": MATCH}, "data")
)
app.clientside_callback("(a) => a", Output("text", "title"), Input("go", "n_clicks"), State({"type": "many", "index": ALL}, "data"))


@app.callback(Output("df", "data"), Output({"type": "df", "index": 1}, "data"), Output("table", "data"), Input("go", "n_clicks"))
def load(_):
    return {"rows": [1.0, 2.5, -0.0, 1e16, 10**17], "name": "é\u2028<&>"}, [[]], []


@app.callback(Output("page", "children"), Input("go", "n_clicks"), State("df", "data"), State("tree-as-data", "data"))
def page(_, data, tree):
    return html.Div(TREE)


@app.callback(Output("df", "data", allow_duplicate=True), Input("go", "n_clicks_timestamp"), prevent_initial_call=True)
def patch(_):
    p = Patch()
    p["rows"].append(3)
    return p


@app.callback(Input("in-page", "data"))
def no_output(_):
    set_props("df", {"data": [1]})


def callback(client, name, outputs, changed, state=()):
    body = {
        "output": name,
        "outputs": outputs,
        "inputs": [{"id": "go", "property": changed, "value": 1}],
        "changedPropIds": ["go." + changed],
        "state": list(state),
    }
    answer = client.post("/_dash-update-component", json=body)
    assert answer.status_code == 200, answer.data
    return answer.data


def main():
    client = app.server.test_client()
    bodies = {
        "layout.json": client.get("/_dash-layout").data,
        "dependencies.json": client.get("/_dash-dependencies").data,
    }
    keys = list(app.callback_map)
    bodies["callback.json"] = callback(
        client,
        next(k for k in keys if "table.data" in k),
        [
            {"id": "df", "property": "data"},
            {"id": {"index": 1, "type": "df"}, "property": "data"},
            {"id": "table", "property": "data"},
        ],
        "n_clicks",
    )
    duplicate = next(k for k in keys if k.startswith("df.data@"))
    bodies["patch.json"] = callback(
        client, duplicate, {"id": "df", "property": duplicate.removeprefix("df.")}, "n_clicks_timestamp"
    )
    for name, body in bodies.items():
        json.loads(body)
        (HERE / name).write_bytes(body)


main()
