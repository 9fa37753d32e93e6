"""The app of placed.py for users who log in with a name and a password, and who each get a cookie of their own."""

import os
import uuid

import dash_auth
from flask import request
from placed import app

app.server.secret_key = "of no importance"
if os.environ.get("LOGIN") == "1":
    dash_auth.BasicAuth(app, {"ann": "word of ann", "bob": "word of bob"})


@app.server.after_request
def give_cookie(response):
    if "visitor" not in request.cookies:
        response.set_cookie("visitor", uuid.uuid4().hex)
    return response
