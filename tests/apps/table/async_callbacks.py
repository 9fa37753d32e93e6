"""Callbacks that are coroutines."""

import asyncio

from compat import Input, Output, PreventUpdate, State, button, dash, dcc, html, new_app, report, seen

app = new_app(__name__)
app.layout = html.Div([
    button("go"), button("prevented"), button("side"),
    dcc.Store(id="first"), dcc.Store(id="second"), dcc.Store(id="set"), report("report"), report("of-set"),
])


@app.callback(Output("first", "data"), Input("go", "n_clicks"), Input("prevented", "n_clicks"))
async def first(clicks, prevented):
    await asyncio.sleep(0.01)
    if prevented:
        raise PreventUpdate
    return {"clicks": clicks, "rows": list(range(25))}


@app.callback(Output("second", "data"), Input("first", "data"), State("second", "data"))
async def second(data, before):
    await asyncio.sleep(0)
    return {"first": data, "before": before}


@app.callback(Input("side", "n_clicks"), State("second", "data"), prevent_initial_call=True)
async def side(clicks, data):
    await asyncio.sleep(0)
    dash.set_props("set", {"data": data})


@app.callback(Output("report", "children"), Input("first", "data"), Input("second", "data"))
async def show(*stores):
    return seen("show", *stores)


@app.callback(Output("of-set", "children"), Input("set", "data"))
async def of_set(data):
    return seen("of_set", data)
