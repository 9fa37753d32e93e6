"""Two Stores that a button fills, and another button that reads both."""

from dash import Dash, Input, Output, State, dcc, html

app = Dash(__name__)
app.layout = html.Div([
    html.Button("Fill", id="fill"),
    html.Button("Read", id="read"),
    dcc.Store(id="quick"),
    dcc.Store(id="lasting"),
    html.P(id="report"),
])


@app.callback(Output("quick", "data"), Output("lasting", "data"), Input("fill", "n_clicks"), prevent_initial_call=True)
def fill(clicks):
    return ["quick"] * 1000, ["lasting"] * 2000


@app.callback(
    Output("report", "children"),
    Input("read", "n_clicks"),
    State("quick", "data"),
    State("lasting", "data"),
    prevent_initial_call=True,
)
def read(clicks, quick, lasting):
    return f"quick {quick and len(quick)}, lasting {lasting and len(lasting)}"
