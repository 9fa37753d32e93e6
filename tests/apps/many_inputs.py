"""Inputs in a list and six States, most of them no Store's data; some look a little like what stands for it."""

from dash import Dash, Input, Output, State, ctx, dcc, html

VALUES = {
    "text": 'Grüße, 漢字, 👋, "quoted", back\\slash, <b>, \u2028',
    "numbers": [0, -1, 1.5, 1e-7, 12345678901234567, 0.1],
    "nested": {"a": [{"b": None, "c": [True, False, []]}], "": {}},
    "alike": [{"$dashstash": "short"}, {"$dashstash": None}, "$dashstash", {"$dashstash": {"$dashstash": 1}}],
    "nothing": None,
}

app = Dash(__name__)
app.layout = html.Div([
    html.Button("Load", id="load"),
    html.Button("Other", id="other"),
    dcc.Store(id="store"),
    *[dcc.Store(id=name, data=value) for name, value in VALUES.items()],
    dcc.Dropdown(id="choice", options=["a", "b"], value=["b", "a"], multi=True),
    html.P(id="report"),
])


@app.callback(Output("store", "data"), Input("load", "n_clicks"), prevent_initial_call=True)
def load(clicks):
    return [{"n": n, "text": 'ä"\\'} for n in range(1000)]


@app.callback(
    Output("report", "children"),
    inputs=[Input("load", "n_clicks"), Input("store", "data"), Input("other", "n_clicks"), Input("choice", "value")],
    state=[*[State(name, "data") for name in VALUES], State("choice", "options")],
)
def report(clicks, data, other, choice, text, numbers, nested, alike, nothing, options):
    stored = data and [len(data), data[-1]]
    return repr([ctx.triggered_prop_ids, clicks, stored, other, choice, text, numbers, nested, alike, nothing, options])
