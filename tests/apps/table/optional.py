"""Inputs and states with allow_optional whose components are not there, or come later."""

from compat import Input, Output, State, button, dcc, html, new_app, report, seen

app = new_app(__name__, suppress_callback_exceptions=True)
app.layout = html.Div([
    button("fill"), button("add"), html.Div(id="place"), dcc.Store(id="store"), report("report"), report("of-late"),
])


@app.callback(Output("store", "data"), Input("fill", "n_clicks"), State("late", "data", allow_optional=True))
def fill(clicks, late):
    return {"clicks": clicks, "late": late, "rows": list(range(25))}


@app.callback(Output("place", "children"), Input("add", "n_clicks"), State("store", "data"))
def add(clicks, data):
    return dcc.Store(id="late", data={"late": data}) if clicks else None


@app.callback(Output("report", "children"), Input("store", "data"), Input("never", "data", allow_optional=True),
              State("late", "data", allow_optional=True))
def show(*stores):
    return seen("show", *stores)


@app.callback(Output("of-late", "children"), Input("late", "data", allow_optional=True), State("store", "data"))
def of_late(*stores):
    return seen("of_late", *stores)
