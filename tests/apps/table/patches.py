"""Patch: each of the fourteen operations on a Store with data, on patched data again, and patches in other places."""

from compat import ALL, Input, Output, State, button, callback_context, dash, dcc, html, new_app, report, seen

BASE = {"rows": [3, 1, 2], "n": 7, "deep": {"a": {"b": [1, {"c": 2}]}, "10": 1, "9": 2}, "text": "Größe", "gone": [1]}


def assign(patch):
    patch["rows"][1] = {"assigned": True}
    patch["deep"]["a"]["new"]["er"] = None
    patch["deep"]["a"]["b"][-1] = {"assigned": "last"}


def delete(patch):
    del patch["gone"]
    del patch["rows"][0]
    del patch["deep"]["a"]["b"][-1]


def merge(patch):
    patch["deep"].update({"merged": [1.0], "10": 1.5})
    patch.update({"at": "root"})


def extend(patch):
    patch["rows"].extend([{"x": 1}, None, []])
    patch["rows"] += [4, 5.0]


def several(patch):
    patch["rows"].append("one")
    patch["rows"].prepend("two")
    patch["rows"].reverse()
    patch["n"] += 1
    patch["n"] *= 10
    patch["made"] = {"list": []}
    patch["made"]["list"].append("in what is new")


def on_root(patch):
    patch.update({"first": 1})
    patch["second"] = {"rows": [1]}


def sub(patch):
    patch["n"] -= 3


def add(patch):
    patch["n"] += 0.5
    patch["text"] += "!"


def mul(patch):
    patch["n"] *= 3


def div(patch):
    patch["n"] /= 4


OPERATIONS = {
    "Assign": assign, "Merge": merge, "Extend": extend, "Delete": delete, "Add": add, "Sub": sub, "Mul": mul, "Div": div,
    "Insert": lambda patch: [patch["rows"].insert(1, "inserted"), patch["rows"].insert(-1, {"before": "last"})],
    "Append": lambda patch: patch["rows"].append({"appended": [1.0]}),
    "Prepend": lambda patch: patch["rows"].prepend("prepended"),
    "Clear": lambda patch: patch["rows"].clear(),
    "Reverse": lambda patch: patch["rows"].reverse(),
    "Remove": lambda patch: patch["rows"].remove(2),
    "several": several, "nothing": lambda patch: None, "root": on_root,
}

app = new_app(__name__)
app.layout = html.Div([
    button("reset"), button("read"), *[html.Button(name, id={"operation": name}, className="op") for name in OPERATIONS],
    dcc.Store(id="store"), dcc.Store(id="initial", data=BASE), dcc.Store(id="list", data=[1, [2], {"three": 3}]),
    dcc.Store(id="one-by-one", data={"trail": []}), dcc.Store(id={"type": "dict"}, data={"rows": []}),
    dcc.Store(id="untouched"), html.Div("child", id="children"),
    report("of-store"), report("of-dict"), report("report"),
])


@app.callback(Output("store", "data"), Input("reset", "n_clicks"))
def reset(clicks):
    return {**BASE, "resets": clicks}


@app.callback(Output("store", "data", allow_duplicate=True), Output("one-by-one", "data"), Output({"type": "dict"}, "data"),
              Output("initial", "data"), Input({"operation": ALL}, "n_clicks"), State("untouched", "data"),
              prevent_initial_call=True)
def operate(clicks, untouched):
    name = callback_context.triggered_id["operation"]
    patch, trail, of_dict, initial = (dash.Patch() for _ in range(4))
    OPERATIONS[name](patch)
    trail["trail"].append(name)
    trail[name] = clicks
    of_dict["rows"].prepend({"name": name})
    of_dict[name]["nested"] = [clicks]
    OPERATIONS[name](initial)
    return patch, trail, of_dict, initial


@app.callback(Output("list", "data"), Input("reset", "n_clicks"), State("list", "data"), prevent_initial_call=True)
def patch_list(clicks, before):
    patch = dash.Patch()
    patch.append(clicks)
    patch[1].append("in")
    patch.insert(0, {"before": before})
    del patch[-2]
    return patch


@app.callback(Output("of-store", "children"), Input("store", "data"))
def of_store(data):
    return seen("of_store", data)


@app.callback(Output("of-dict", "children"), Input({"type": "dict"}, "data"), State("list", "data"))
def of_dict(data, items):
    return seen("of_dict", data, items)


@app.callback(Output("report", "children"), Input("read", "n_clicks"),
              *[State(name, "data") for name in ("store", "initial", "list", "one-by-one")])
def read(clicks, *stores):
    return seen("read", clicks, *stores)
