"""Fifty callbacks: a button fills Stores, and from each of them others and texts are made, four steps deep.

With Dash's dev tools, as while developing.
"""

from dash import Dash, Input, Output, ctx, dcc, html

WIDTH, DEPTH, OTHERS = 7, 4, 8  # 28 callbacks fill Stores, 14 tell of every second Store, 8 tell of the button

app = Dash(__name__)
chain = [(column, step) for column in range(WIDTH) for step in range(DEPTH)]
app.layout = html.Div([
    html.Button("Load", id="load"),
    *[dcc.Store(id=f"store-{column}-{step}") for column, step in chain],
    *[html.P(id=f"text-{column}-{step}") for column, step in chain if step % 2],
    *[html.P(id=f"other-{n}") for n in range(OTHERS)],
])


def first(column):
    @app.callback(Output(f"store-{column}-0", "data"), Input("load", "n_clicks"))
    def load(clicks):
        return [column] * 1000 * (clicks or 0)


def following(column, step):
    @app.callback(Output(f"store-{column}-{step}", "data"), Input(f"store-{column}-{step - 1}", "data"))
    def extend(data):
        return [n + 1 for n in data] + [0] * 10


def text(column, step):
    @app.callback(Output(f"text-{column}-{step}", "children"), Input(f"store-{column}-{step}", "data"))
    def tell(data):
        return f"{len(data)} numbers, sum {sum(data)}, from {ctx.triggered_id}"


def other(n):
    @app.callback(Output(f"other-{n}", "children"), Input("load", "n_clicks"))
    def tell(clicks):
        return f"{n} after {clicks}"


for column, step in chain:
    following(column, step) if step else first(column)
    if step % 2:
        text(column, step)
for n in range(OTHERS):
    other(n)

app.enable_dev_tools(debug=True, dev_tools_hot_reload=False, dev_tools_disable_version_check=True)
