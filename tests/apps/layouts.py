"""Five layouts under one server, an app each: a component library's Container in various places, Stores at any depth."""

import dash_bootstrap_components as dbc
from dash import Dash, Input, Output, dcc, html
from flask import Flask

server = Flask(__name__)


def content():
    return [html.Button("Load", id="load"), dcc.Store(id="store"), html.P(id="report")]


def deep():
    inner = content()
    for _ in range(30):
        inner = [html.Div(inner)]
    return inner


LAYOUTS = {
    "child": html.Div(dbc.Container(content())),
    "list": html.Div([dbc.Container(content())]),
    "bare": dbc.Container(content()),
    "function": lambda: dbc.Container(content()),
    "deep": [html.H1("a list"), dbc.Accordion(dbc.AccordionItem(deep(), title="Open"))],
}


def build(name, layout):
    app = Dash(name, server=server, url_base_pathname=f"/{name}/")
    app.layout = layout

    @app.callback(Output("store", "data"), Input("load", "n_clicks"), prevent_initial_call=True)
    def load(clicks):
        return [f"{name} {n}" for n in range(1000)]

    @app.callback(Output("report", "children"), Input("store", "data"), prevent_initial_call=True)
    def report(data):
        return f"{len(data)}, last {data[-1]}"


for each in LAYOUTS.items():
    build(*each)
