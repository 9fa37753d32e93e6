"""An app that its author edits while its page is open: the test replaces what EDITED says."""

from dash import Dash, Input, Output, clientside_callback, dcc, html

EDITED = False

app = Dash(__name__)
app.layout = html.Div([
    html.H1("after" if EDITED else "before"),
    html.Button("Fill", id="fill"),
    dcc.Store(id="store"),
    dcc.Store(id="other"),
    html.P(id="report"),
    html.P(id="in-browser"),
])


@app.callback(Output("store", "data"), Input("fill", "n_clicks"), prevent_initial_call=True)
def fill(clicks):
    return list(range(1000))


@app.callback(Output("report", "children"), Input("store", "data"), prevent_initial_call=True)
def report(data):
    return f"sum {sum(data)}"


# The function stands in the page, which is not loaded anew when the app is.
clientside_callback(
    "data => data ? data.length : 'none'",
    Output("in-browser", "children"),
    Input("store" if EDITED else "other", "data"),
)
