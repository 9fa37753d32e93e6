"""Stores that stay in the browser for one reason each."""

from dash import ClientsideFunction, Dash, Input, Output, dcc, html

app = Dash(__name__)
app.index_string = app.index_string.replace(
    "<head>", "<head><script>window.dash_clientside = {shown: {draw: rows => rows ? rows.length : 0}};</script>")
app.layout = html.Div([
    html.Button("Go", id="go"),
    *[dcc.Store(id=name) for name in ("kept", "drawn", "excluded-1", "small", "number", "huge")],
    dcc.Store(id="local", storage_type="local"),
    dcc.Store(id={"type": "df", "index": 1}),
    html.P(id="drawing"),
])
app.clientside_callback(ClientsideFunction("shown", "draw"), Output("drawing", "children"), Input("drawn", "data"))


@app.callback(
    *[Output(name, "data") for name in ("kept", "drawn", "excluded-1", "small", "number", "huge", "local")],
    Output({"type": "df", "index": 1}, "data"),
    Input("go", "n_clicks"),
    prevent_initial_call=True,
)
def fill(clicks):
    rows = list(range(2000))
    return rows, rows, rows, [1, 2], 7, list(range(20000)), rows, rows
