"""The app of echo.py for users who have a cookie. A stranger gets 401 or, with STRANGERS=page, a page and a layout to log in, and an app
without callbacks.
"""

import json
import os

from echo import app
from flask import Response, request

LAYOUT = {"props": {"id": "page", "children": "log in"}, "type": "Div", "namespace": "dash_html_components"}
ANSWERS = {
    "/_dash-layout": LAYOUT,
    "/_dash-dependencies": [],
    "/_dash-update-component": {"multi": True, "response": {"page": {"children": LAYOUT}}},
}


@app.server.before_request
def let_in():
    if request.cookies.get("user"):
        return None
    if os.environ.get("STRANGERS") != "page":
        return Response("log in", 401, {"WWW-Authenticate": 'Basic realm="the app"'})
    if request.path in ANSWERS:
        return Response(json.dumps(ANSWERS[request.path]), mimetype="application/json")
    return Response("<!doctype html><title>log in</title><form><input name=user></form>", mimetype="text/html")
