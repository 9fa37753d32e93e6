"""A spinner around a Store and around what is drawn from it; GET /go lets the waiting callback end."""

import threading

from compat import Input, Output, button, dcc, html, new_app, report, seen

GO = threading.Event()

app = new_app(__name__)
app.layout = html.Div([
    button("load"),
    dcc.Loading(html.Div([dcc.Store(id="store"), html.Div(html.P("inside"))]), id="around-store", type="default"),
    dcc.Loading(html.Div(report("report")), id="around-report", type="circle"),
])


@app.server.route("/go")
def go():
    GO.set()
    return "gone"


@app.callback(Output("store", "data"), [Input("load", "n_clicks")])
def load(clicks):
    if not clicks:
        return None
    GO.wait(20)
    GO.clear()
    return {"clicks": clicks, "rows": list(range(100))}


@app.callback(Output("report", "children"), [Input("store", "data")])
def show(data):
    return seen("show", data)
