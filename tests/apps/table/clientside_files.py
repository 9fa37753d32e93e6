"""Clientside callbacks in a file of assets: they read a Store, write one, copy one into another and into a prop."""

from compat import ClientsideFunction, Input, Output, State, button, dcc, html, new_app, report, seen


def function(name):
    return ClientsideFunction(namespace="table", function_name=name)


app = new_app(__name__, assets_folder="assets")
app.layout = html.Div([
    button("fill"), button("write"), button("take"),
    dcc.Store(id="read"), dcc.Store(id="copied"), dcc.Store(id="written"), dcc.Store(id="taken"), dcc.Store(id="unread"),
    report("described"), report("taken-text"), report("report"), report("of-taken"), report("of-written"),
])


@app.callback([Output("read", "data"), Output("unread", "data")], [Input("fill", "n_clicks")])
def fill(clicks):
    rows = {"clicks": clicks, "10": 1, "9": [5.0, None], "rows": list(range(25))}
    return rows, [rows]


app.clientside_callback(function("describe"), Output("described", "children"), [Input("read", "data")])
app.clientside_callback(function("copy"), Output("copied", "data"), [Input("read", "data")])
app.clientside_callback(function("write"), Output("written", "data"), [Input("write", "n_clicks")])
app.clientside_callback(function("both"), [Output("taken", "data"), Output("taken-text", "children")],
                        [Input("take", "n_clicks")], [State("copied", "data")])


@app.callback(Output("report", "children"), [Input("copied", "data")], [State("read", "data"), State("unread", "data")])
def show(*stores):
    return seen("show", *stores)


@app.callback(Output("of-taken", "children"), [Input("taken", "data")], [State("unread", "data")])
def of_taken(*stores):
    return seen("of_taken", *stores)


@app.callback(Output("of-written", "children"), [Input("written", "data")])
def of_written(data):
    return seen("of_written", data)
