"""A Dash app beside other routes of its own Flask server, with a style sheet of its own and one from elsewhere."""

import io

from dash import Dash, Input, Output, dcc, html
from flask import Flask, Response, redirect, request, send_file

server = Flask(__name__)


@server.get("/")
def home():
    return redirect("/dash/")


@server.get("/data.json")
def data():
    return {"response": {"store": {"data": list(range(5000))}}, "multi": True}


@server.get("/file.bin")
def binary():
    return send_file(io.BytesIO(bytes(range(256)) * 5000), "application/octet-stream", etag="five-thousand")


@server.get("/stream")
def stream():
    return Response((f"line {n}\n" for n in range(1000)), mimetype="text/plain")


@server.post("/echo")
def echo():
    response = Response(request.get_data(), mimetype="application/json")
    response.set_cookie("seen", "yes")
    return response


@server.get("/odd-style.css")
def style():
    return Response("p { letter-spacing: 3px }", mimetype="text/css")


app = Dash(__name__, server=server, url_base_pathname="/dash/", external_stylesheets=["/odd-style.css"])
app.layout = html.Div([html.Button("Load", id="load"), dcc.Store(id="store"), html.P(id="report")])


@app.callback(Output("store", "data"), Input("load", "n_clicks"), prevent_initial_call=True)
def load(clicks):
    return list(range(5000))


@app.callback(Output("report", "children"), Input("store", "data"), prevent_initial_call=True)
def report(data):
    return f"sum {sum(data)}"
