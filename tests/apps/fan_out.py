"""Each click loads new data into a Store, and eight callbacks read it."""

from dash import Dash, Input, Output, dcc, html

READERS = 8

app = Dash(__name__)
app.layout = html.Div([
    html.Button("Refresh", id="refresh"),
    dcc.Store(id="data"),
    *[html.P(id=f"part-{n}") for n in range(READERS)],
])


@app.callback(Output("data", "data"), Input("refresh", "n_clicks"), prevent_initial_call=True)
def load(version):
    return {"version": version, "rows": [version * 1000 + n for n in range(4000)]}


def reader(part):
    @app.callback(Output(f"part-{part}", "children"), Input("data", "data"), prevent_initial_call=True)
    def read(data):
        return f"version {data['version']}, sum {sum(data['rows'][part::READERS])}"


for n in range(READERS):
    reader(n)
