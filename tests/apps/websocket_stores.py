"""Stores that callbacks write and read by HTTP and by WebSocket. WEBSOCKETS=all has all callbacks go by WebSocket."""

import asyncio
import os

from dash import Dash, Input, Output, State, ctx, dcc, html, set_props

ALL = os.environ["WEBSOCKETS"] == "all"
app = Dash(__name__, backend=os.environ["DASH_BACKEND"], websocket_callbacks=ALL, suppress_callback_exceptions=True)
BUTTONS = ["http", "socket", "both", "stream", "ask", "page"]
app.layout = html.Div([
    *[html.Button(name, id=name) for name in BUTTONS],
    dcc.Store(id="by-http"),
    dcc.Store(id="by-socket"),
    dcc.Store(id="streamed"),
    *[html.P(id=f"{name}-text") for name in [*BUTTONS, "progress"]],
    html.Div(id="place"),
])


def socket(*args, **options):
    return app.callback(*args, websocket=True, prevent_initial_call=True, **options)


def http(*args, **options):
    return app.callback(*args, prevent_initial_call=True, **options)


def rows(n):
    return [{"n": i, "half": i / 2, "name": f"é {i}"} for i in range(n)]


def told(value):
    return "nothing" if value is None else f"{len(value)} rows, last {value[-1]}"


@http(Output("by-http", "data"), Input("http", "n_clicks"))
def write_by_http(clicks):
    return rows(1000 * clicks)


@socket(Output("http-text", "children"), Input("by-http", "data"))
def read_by_socket(data):
    return told(data)


@socket(Output("by-socket", "data"), Input("socket", "n_clicks"), State("by-http", "data"))
def write_by_socket(clicks, data):
    return [*(data or []), *rows(2000 * clicks)]


@http(Output("socket-text", "children"), Input("by-socket", "data"))
def read_by_http(data):
    return told(data)


@socket(Output("both-text", "children"), Input("both", "n_clicks"), State("by-http", "data"), State("by-socket", "data"))
async def read_both(clicks, by_http, by_socket):
    return f"{told(by_http)}; {told(by_socket)}"


@socket(Output("stream-text", "children"), Input("stream", "n_clicks"))
async def stream(clicks):
    for i in range(1, 6):
        set_props("streamed", {"data": rows(500 * i)})
        set_props("progress-text", {"children": f"step {i}"})
        await asyncio.sleep(0.02)
    return "streamed"


@socket(Output("ask-text", "children"), Input("ask", "n_clicks"))
async def ask(clicks):
    return told(await ctx.websocket.get_prop("streamed", "data"))


@socket(Output("place", "children"), Input("page", "n_clicks"))
def bring_a_page(clicks):
    return [dcc.Store(id="on-page", data=rows(700)), html.P(id="page-told")]


@app.callback(Output("page-told", "children"), Input("on-page", "data"), websocket=True)
def read_page(data):
    return told(data)
