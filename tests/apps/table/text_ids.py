"""Stores whose text ids need escapes in JSON, or look like something else."""

from compat import Input, Output, PreventUpdate, State, button, dcc, html, new_app, report, seen

IDS = ["props", "data", "id", "a \"quoted\" id", "back\\slash", "Größe", "日本語 🎈", "with space", "tab\tand\nline", "a/b#c%20",
       "$dashstash", "</b>"]

app = new_app(__name__)
app.layout = html.Div([
    button("go"),
    *[dcc.Store(id=name) for name in IDS], dcc.Store(id="alone's"),
    report("one"), report("all"),
])


@app.callback([Output(name, "data") for name in IDS], [Input("go", "n_clicks")])
def fill(clicks):
    if clicks is None:
        raise PreventUpdate
    return [{"id": name, "clicks": clicks, "rows": list(range(n))} for n, name in enumerate(IDS)]


@app.callback(Output("alone's", "data"), [Input(IDS[3], "data")], [State(IDS[4], "data")])
def alone(quoted, slash):
    return [quoted, slash]


@app.callback(Output("one", "children"), [Input("alone's", "data")])
def one(data):
    return seen("one", data)


@app.callback(Output("all", "children"), [Input(name, "data") for name in IDS])
def every(*stores):
    return seen("every", *stores)
