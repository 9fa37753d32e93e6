"""What the apps of the table share: Dash's names as the version at hand has them, and text that shows a value wholly."""

import hashlib
from collections import Counter

import dash
from dash import callback_context, no_update
from dash.exceptions import PreventUpdate

try:
    from dash import ClientsideFunction, Input, Output, State, dcc, html
except ImportError:  # before Dash 2.0
    import dash_core_components as dcc
    import dash_html_components as html
    from dash.dependencies import ClientsideFunction, Input, Output, State

try:
    from dash.dependencies import ALL, ALLSMALLER, MATCH
except ImportError:  # before Dash 1.11
    ALL = ALLSMALLER = MATCH = None

__all__ = ["ALL", "ALLSMALLER", "COUNTS", "MATCH", "ClientsideFunction", "Input", "Output", "PreventUpdate", "State", "button",
           "callback_context", "dash", "dcc", "html", "new_app", "no_update", "report", "seen", "shows", "tell"]

SHOWN = 2000  # characters of one value that are shown as they are; of a longer one its ends and a digest
RUNS = Counter()
COUNTS = ALL is not None  # before Dash 1.11 it is a matter of time how often a callback of several inputs runs


def new_app(name, **options):
    """A plain Dash app. GET /forget starts the counts of seen() anew."""
    app = dash.Dash(name, **options)
    app.server.add_url_rule("/forget", "forget", forget)
    return app


def forget():
    RUNS.clear()
    return "forgotten"


def button(name):
    return html.Button(name, id=name)


def report(name, **props):
    """A place for the text of seen()."""
    return html.Pre(id=name, **props)


def seen(callback, *values):
    """How often this callback has run, and what it received."""
    RUNS[callback] += 1
    times = "ran {}".format(RUNS[callback]) if COUNTS else "ran"
    return "\n".join(["{} {}".format(callback, times)] + ["  " + tell(value) for value in values])


def shows(value):
    """What a callback received that may run as often as it happens to."""
    return "ran\n  " + tell(value)


def tell(value):
    """The value as Python tells it: type, order of keys, 1 and 1.0 apart."""
    text = repr(value)
    if len(text) > SHOWN:
        digest = hashlib.sha256(text.encode()).hexdigest()
        text = "{} characters {}...{} {}".format(len(text), text[:40], text[-40:], digest)
    return "{} {}".format(type(value).__name__, text)
