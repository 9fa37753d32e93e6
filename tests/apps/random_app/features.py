"""What the random app can consist of. A feature is a function that adds to a Builder; later ones use earlier ones' Stores."""

import random

from build import Source
from dash import ALL, MATCH, Input, Output, Patch, State, dcc, html, no_update, set_props
from values import derive, list_patch, mark, record, record_patch, show, value


def chosen(rng, names):
    """The features of one app: clicks, and `names` or most of the others."""
    return [clicks, *(feature for feature in FEATURES if (feature.__name__ in names if names else rng.random() < 0.7))]


def clicks(make):
    """Stores of all types, and buttons that fill them: one output or several, no_update, PreventUpdate, set_props."""
    for _ in range(make.rng.randint(3, 6)):
        initial = {"data": value(make.rng)} if make.chance(0.6) else {}
        make.store(storage=make.rng.choice(["memory", "memory", "session", "local"]), **initial)
    for _ in range(make.rng.randint(2, 4)):
        fill(make)


def fill(make):
    writes = {store: filled(make, store) for store in make.rng.sample(make.stores, make.rng.randint(1, 3))}
    make.callback(writes, [make.button("fill")], make.rng.sample(make.stores, make.rng.randrange(3)),
                  by_set_props=[*writes][:make.rng.randrange(2)], initial=make.chance(0.3),
                  rarely=make.rng.choice([3, 5, 0]))


def filled(make, store):
    """A function of the count of clicks: now a new value, now one that is computed."""
    make_value = derive(make.rng)

    def compute(received):
        rng = random.Random(repr((make.seed, store.id, received[0])))
        return value(rng) if rng.random() < 0.6 else make_value(received)

    return compute


def chains(make):
    """Stores that are computed from Stores, with some of the others as state, or with what they were themselves."""
    for _ in range(make.rng.randint(2, 6)):
        inputs = [*dict.fromkeys(make.pick() for _ in range(make.rng.choice([1, 1, 2])))]
        outputs = [make.store() for _ in range(make.rng.choice([1, 1, 2]))]
        sides = make.rng.sample(make.stores, make.rng.randrange(2))
        states = [*make.rng.sample(make.stores, make.rng.randrange(2)), *(outputs[:1] if make.chance(0.4) else [])]
        make.callback({store: derive(make.rng) for store in [*outputs, *sides] if store.shape == "any"}, inputs, states,
                      by_set_props=sides, initial=make.chance(0.5), rarely=make.rng.choice([4, 0]))


def clears(make):
    """Buttons that clear a Store."""
    clearable = [store for store in make.stores if store.shape == "any"]
    for store in make.rng.sample(clearable, 2):
        make.callback({store: lambda _: True}, [make.button("clear")], prop="clear_data")


def patches(make):
    """Stores that are patched by a click, as output and as side update."""
    for shape, new, patch in (("record", record, record_patch), ("list", lambda rng: [value(rng, 1)], list_patch)):
        store = make.store(shape, make.rng.choice(["memory", "memory", "session"]), data=new(make.rng))
        make.callback({store: lambda received, new=new: new(random.Random(repr(received)))}, [make.button("reset")])
        for _ in range(make.rng.randint(1, 2)):
            patch_on_click(make, store, patch)


def patch_on_click(make, store, patch):
    knows = make.chance(0.5)

    def compute(received):
        return patch(random.Random(repr(received)), received[-1] if knows else None)

    make.callback({store: compute}, [make.button("patch")], [store] if knows else [],
                  by_set_props=[store] if make.chance(0.3) else [])


def patch_chains(make):
    """More than sixteen patches of one Store after one click, one a callback, some with the patched data as state. How many
    of them a callback with the data as input would see is chance, so it is read after the last."""
    new, patch = make.rng.choice([(record, record_patch), (lambda rng: [value(rng, 1)], list_patch)])
    store, source = make.name("chained"), make.button("chain")
    make.layout.append(dcc.Store(id=store, data=new(make.rng), storage_type=make.rng.choice(["memory", "session"])))
    for n in range(make.rng.randint(17, 20)):
        step = Source(make.name("step"), "data")
        make.layout.append(dcc.Store(id=step.id))
        states = [State(store, "data")] if make.chance(0.2) else []

        @make.dash.callback(Output(store, "data", allow_duplicate=True), Output(step.id, "data"),
                            Input(source.id, source.prop), *states, prevent_initial_call=True)
        def patch_once(count, *now, n=n):
            return patch(random.Random(repr((n, count))), now[0] if now else None), count

        source = step
    text = make.name("text")
    make.layout.append(html.Pre(id=text))
    make.dash.callback(Output(text, "children"), Input(source.id, "data"), Input(make.button("look").id, "n_clicks"),
                       State(store, "data"))(lambda step, count, data: f"{step} {count} {show(data)}")


def clientside(make):
    """Callbacks in the browser that read, write and copy Stores."""
    read, source, written, copied = make.pick(), make.pick(), make.store(), make.store()
    text, copy = make.name("text"), make.name("copy")
    make.layout += [html.Pre(id=text), html.Div(id=copy)]
    make.dash.clientside_callback("data => data === undefined ? 'nothing' : JSON.stringify(data)",
                                  Output(text, "children"), Input(read.id, "data"))
    make.in_browser("n => ({count: n, 10: [1, 2.5, 'é'], 9: null})", written, make.button("write"))
    make.in_browser("data => data === undefined ? null : data", copied, source)
    make.dash.clientside_callback("(n, data) => data === undefined ? null : data", Output(copy, "data-copy"),
                                  Input(make.button("copy").id, "n_clicks"), State(source.id, "data"))
    make.reader(copy, "data-copy")


def timestamps(make):
    """Readers of modified_timestamp: they tell how often it changed, not when. What happens at once when the page loads is not
    always told twice, so that they look at other Stores."""
    for store in make.stores:
        if "load" not in store.events and make.chance(0.5):
            make.reader(store.id, "modified_timestamp", lambda stamp: "changed", initial=False)


def wildcards(make):
    """Stores and buttons with dict ids; a button that adds more of them."""
    family = make.name("family")
    indexes = make.rng.sample([0, 1, 10, 9, 2.5, "a.b", "ä \"q\"", True], make.rng.randint(2, 4))
    area, more = make.name("area"), make.chance(0.5) and make.button("more")
    make.layout.append(html.Div([member(make, family, index) for index in indexes], id=area))
    match_callbacks(make, family)
    one = set_one(make, {"type": family, "index": make.rng.choice(indexes)})
    all_callbacks(make, family, {family, "load", *one.events, *(more.events if more else ())})
    if more:
        @make.dash.callback(Output(area, "children"), Input(more.id, "n_clicks"), prevent_initial_call=True)
        def add(count):
            patch = Patch()
            patch.append(member(make, family, 100 - count))
            return patch


def member(make, family, index):
    rng = random.Random(f"{make.seed} {index}")
    props = {"data": value(rng, 2)} if rng.random() < 0.5 else {}
    return html.Div([
        html.Button(f"{family} {index}", id={"type": f"{family} button", "index": index}),
        dcc.Store(id={"type": family, "index": index}, **props),
        html.Pre(id={"type": f"{family} text", "index": index}),
        dcc.Store(id={"type": f"{family} count", "index": index}),
    ])


def match_callbacks(make, family):
    """A button that writes its Store with dict id, and that Store's reader."""
    make_value, initial = derive(make.rng), make.chance(0.3)

    @make.dash.callback(Output({"type": family, "index": MATCH}, "data"),
                        Input({"type": f"{family} button", "index": MATCH}, "n_clicks"),
                        State({"type": family, "index": MATCH}, "data"), State({"type": family, "index": MATCH}, "id"),
                        prevent_initial_call=not initial)
    def write(count, before, own_id):
        return make_value([before, count, own_id]) if initial or mark([count]) % 5 else no_update

    @make.dash.callback(Output({"type": f"{family} text", "index": MATCH}, "children"),
                        Output({"type": f"{family} count", "index": MATCH}, "data"),
                        Input({"type": family, "index": MATCH}, "data"),
                        State({"type": f"{family} count", "index": MATCH}, "data"))
    def read(data, runs):
        return f"ran {(runs or 0) + 1}: {show(data)}", (runs or 0) + 1


def set_one(make, store):
    """A button that sets a Store with dict id by set_props, in a callback without outputs."""
    button = make.button("one")

    @make.dash.callback(Input(button.id, "n_clicks"), State(store, "data"), prevent_initial_call=True)
    def set_it(count, before):
        set_props(store, {"data": {"10": count, "9": 5.0, "before": mark([before])}})

    return button


def all_callbacks(make, family, events):
    """A reader of all Stores of the family, a Store computed from them, and a button that writes all of them, or some."""
    make.reader({"type": family, "index": ALL}, "data")
    button, rarely = make.button("all"), make.rng.choice([3, 1000])

    @make.dash.callback(Output({"type": family, "index": ALL}, "data", allow_duplicate=True), Input(button.id, "n_clicks"),
                        State({"type": family, "index": ALL}, "data"), prevent_initial_call=True)
    def write_all(count, before):
        return [[count, n, data if len(repr(data)) < 300 else None] if mark((n, count)) % rarely else no_update
                for n, data in enumerate(before)]

    every = Source({"type": family, "index": ALL}, "data", events | button.events)
    make.callback({make.store(): derive(make.rng)}, [every], initial=make.chance(0.5))


def trees(make):
    """A button that brings Stores with data, or takes them away, and callbacks that wait for them."""
    area, button, source = make.name("tree"), make.button("tree"), make.pick()
    names, storage = [make.name("late") for _ in range(2)], make.rng.choice(["memory", "session"])
    make.layout.append(html.Div(id=area))

    def tree(count, state):
        rng = random.Random(repr((make.seed, count)))
        if rng.random() < 0.2:
            return []
        return html.Div([dcc.Store(id=names[0], data=value(rng), storage_type=storage),
                         html.P([f"tree {count}", dcc.Store(id=names[1], data={"count": count, "state": state})])])

    make.dash.callback(Output(area, "children"), Input(button.id, "n_clicks"), State(source.id, "data"),
                       prevent_initial_call=True)(tree)
    for name in names:
        make.reader(name, "data")


def pages(make):
    """Pages by url.pathname, each with Stores of its own and one that all have."""
    url, area, common = make.name("url"), make.name("page"), make.name("common")
    links = [html.P(dcc.Link(path, href=path, id=make.name("link"), className="link")) for path in ("/", "/a", "/b")]
    make.layout += [dcc.Location(id=url), *links, html.Div(id=area)]

    @make.dash.callback(Output(area, "children"), Input(url, "pathname"))
    def page(path):
        rng = random.Random(f"{make.seed} {path}")
        button, own = f"button of {path}", f"own of {path}"
        return html.Div([html.Button(button, id=button, className="page"), dcc.Store(id=own, data=value(rng)),
                         dcc.Store(id=common, data=[path, value(rng)])])

    for path in ("/", "/a", "/b"):
        own, make_value = f"own of {path}", derive(make.rng)
        make.reader(own, "data")
        make.dash.callback(Output(own, "data"), Input(f"button of {path}", "n_clicks"), State(own, "data"),
                           State(common, "data"), prevent_initial_call=True)(
            lambda count, own, common, make_value=make_value: make_value([own, common, count]))
    make.reader(common, "data")


FEATURES = [patches, patch_chains, chains, clears, clientside, wildcards, trees, pages, timestamps]
