"""An app whose own data has the key $dashstash, in many ways, small and large, and changes it by Patches. A user may type such JSON."""

import json

from dash import Dash, Input, Output, Patch, State, dcc, html

OWN = [
    {"$dashstash": "mine"},
    {"$dashstash": "mine", "more": [1, {"$dashstash": None}]},
    {"first": 1, "$dashstash": 5},
    {"$dashstash": {"$dashstash": ["x", True]}},
    {"$dashstash": "A" * 79, "other": "A" * 80},
    {"$dashstash": "A" * 81, "and": "more"},
    {"$dashstash_patches": [["mine"]], "rows": []},
    {"$DASHSTASH": "A" * 80},
    '{"$dashstash":"' + "A" * 80 + '"}',
    {'{"$dashstash":"' + "A" * 80 + '"}': "$dashstash"},
]

app = Dash(__name__)
app.layout = html.Div([
    html.Button("Fill", id="fill"),
    html.Button("Change", id="change"),
    html.Button("Read", id="read"),
    dcc.Textarea(id="typed", value=""),
    dcc.Store(id="small", data=OWN[:2]),
    dcc.Store(id="large"),
    dcc.Store(id="lone"),
    dcc.Store(id="of-user"),
    html.Pre(id="report"),
])


@app.callback(Output("small", "data"), Output("large", "data"), Output("lone", "data"), Input("fill", "n_clicks"),
              prevent_initial_call=True)
def fill(clicks):
    return OWN[:clicks + 3], OWN * 30, {"$dashstash": "mine"}


@app.callback(Output("large", "data", allow_duplicate=True), Output("lone", "data", allow_duplicate=True),
              Input("change", "n_clicks"), prevent_initial_call=True)
def change(clicks):
    rows, lone = Patch(), Patch()
    rows[0]["$dashstash"] = clicks
    rows.append({"$dashstash": "A" * 20})
    lone["$dashstash"] = "changed"
    return rows, lone


@app.callback(Output("of-user", "data"), Input("typed", "value"))
def typed(text):
    try:
        return json.loads(text)
    except ValueError:
        return text


@app.callback(Output("report", "children"), Input("read", "n_clicks"), State("small", "data"), State("large", "data"),
              State("lone", "data"), State("of-user", "data"), State("typed", "value"))
def report(clicks, *values):
    return json.dumps(values, indent=0)
