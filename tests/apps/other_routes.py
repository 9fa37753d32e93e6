"""An app with all that is no callback of its page: files, events, an API callback, MCP, uploads and downloads."""

import hashlib
import threading

from dash import Dash, Input, Output, State, dcc, html
from flask import Response, request

app = Dash(__name__, enable_mcp=True, assets_folder="other_routes")
app.layout = html.Div([
    dcc.Upload(html.Button("Upload"), id="upload"),
    html.Button("Download", id="fetch"),
    dcc.Store(id="uploaded"),
    dcc.Download(id="download"),
    html.P(id="report"),
])
go_on = threading.Semaphore(0)


@app.callback(Output("uploaded", "data"), Input("upload", "contents"), State("upload", "filename"), prevent_initial_call=True)
def keep(contents, filename):
    return {"contents": contents, "filename": filename}


@app.callback(Output("report", "children"), Input("uploaded", "data"), api_endpoint="/api/digest", prevent_initial_call=True)
def digest(uploaded):
    return f"{uploaded['filename']}: {hashlib.sha256(uploaded['contents'].encode()).hexdigest()}"


@app.callback(Output("download", "data"), Input("fetch", "n_clicks"), State("uploaded", "data"), prevent_initial_call=True)
def download(clicks, uploaded):
    return {"filename": uploaded["filename"], "content": uploaded["contents"].partition(",")[2], "base64": True}


app.setup_apis()


@app.server.get("/events")
def events():
    """Server-sent events, the next one whenever somebody posts to /go-on."""
    def stream():
        for n in range(3):
            yield f"id: {n}\ndata: event {n}\n\n"
            go_on.acquire(timeout=60)

    return Response(stream(), mimetype="text/event-stream")


@app.server.post("/go-on")
def let_go_on():
    go_on.release()
    return "", 204


@app.server.route("/mirror", methods=["PUT", "POST", "PATCH", "DELETE", "OPTIONS"])
def mirror():
    """What was received, with the headers that say how."""
    told = {name: request.headers.get(name) for name in ("Content-Type", "Content-Encoding", "Accept-Encoding", "Authorization")}
    return {"method": request.method, "headers": told, "body": hashlib.sha256(request.get_data()).hexdigest()}
