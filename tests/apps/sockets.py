"""A FastAPI app with a Dash app in it, a WebSocket that echoes, and server-sent events."""

import asyncio

from dash import Dash, dcc, html
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse

server = FastAPI()
go_on = asyncio.Semaphore(0)


@server.websocket("/echo")
async def echo(socket: WebSocket):
    await socket.accept("last" if "last" in socket.scope["subprotocols"] else None)
    try:
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if message.get("text") is not None:
                await socket.send_text(message["text"])
            else:
                await socket.send_bytes(message["bytes"])
    except WebSocketDisconnect:
        pass


@server.get("/events")
async def events():
    """Server-sent events, the next one whenever somebody posts to /go-on."""
    async def stream():
        for n in range(3):
            yield f"id: {n}\ndata: event {n}\n\n"
            await asyncio.wait_for(go_on.acquire(), 60)

    return StreamingResponse(stream(), media_type="text/event-stream")


@server.post("/go-on")
async def let_go_on():
    go_on.release()


app = Dash(__name__, server=server, requests_pathname_prefix="/dash/", routes_pathname_prefix="/dash/")
app.layout = html.Div([dcc.Store(id="store", data=[1, 2, 3]), html.P("here")])
