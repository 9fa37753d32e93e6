"""The builder of the random app: Stores, their readers, and callbacks of which it is certain what they receive.

Callbacks depend on nothing but what they receive; which of them run after a click, and in which order as far as it
matters, is certain: see Builder.fits.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dash import Dash, Input, Output, State, dcc, html, no_update, set_props
from dash.exceptions import PreventUpdate
from values import mark, show


@dataclass(eq=False)
class Source:
    """A prop that callbacks have as input: a button's n_clicks, a Store's data.

    `events` are the buttons after which it changes; "load" is the loading of the page. `parents` are what it is computed
    from. Once another callback reads it, it is frozen: it gets no further events.
    """

    id: Any
    prop: str
    events: set[str] = field(default_factory=set)
    parents: set[Source] = field(default_factory=set)
    frozen: bool = False

    def ancestors(self) -> set[Source]:
        return self.parents.union(*(parent.ancestors() for parent in self.parents))


@dataclass(eq=False)
class Store(Source):
    """`shape` tells which patches fit; `written` whether a callback has it as output."""

    shape: str = "any"
    written: bool = False


class Builder:
    """What a feature builds with."""

    def __init__(self, seed: str):
        self.seed = seed
        self.rng = random.Random(seed)
        self.dash = Dash(__name__, suppress_callback_exceptions=True)
        self.stores: list[Store] = []
        self.layout: list[Any] = []
        self.notes: list[str] = []
        self._names = 0

    def note(self, text: str) -> None:
        self.notes.append(f"  {text}")

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def name(self, kind: str) -> str:
        """A new id."""
        self._names += 1
        return f"{kind}{self._names}"

    def button(self, kind: str = "button") -> Source:
        name = self.name(kind)
        self.layout.append(html.Button(name, id=name))
        return Source(name, "n_clicks", {name})

    def store(self, shape: str = "any", storage: str = "memory", **props: Any) -> Store:
        """A new Store with its reader."""
        store = Store(self.name("store"), "data", shape=shape)
        if storage != "memory":
            store.events.add("load")
        self.layout.append(dcc.Store(id=store.id, storage_type=storage, **props))
        self.note(f"{store.id} {storage} {shape} {show(props.get('data', 'without data'))[:100]}")
        self.reader(store.id, "data", initial=self.chance(0.6))
        self.stores.append(store)
        return store

    def reader(self, component: Any, prop: str, told: Callable[[Any], str] = show, *, initial: bool = True) -> None:
        """A callback that shows what a prop holds, and how often it ran: that it knows from a Store of its own."""
        text, count = self.name("text"), self.name("count")
        self.layout += [html.Pre(id=text), dcc.Store(id=count)]

        @self.dash.callback(Output(text, "children"), Output(count, "data"), Input(component, prop), State(count, "data"),
                            prevent_initial_call=not initial)
        def read(data, runs):
            runs = (runs or 0) + 1
            return f"{component} {prop} {runs}: {told(data)}", runs

    def pick(self) -> Store:
        """A Store that changes after some event."""
        return self.rng.choice([store for store in self.stores if store.events])

    def callback(self, writes: dict[Store, Callable[[tuple], Any]], inputs: list[Source], states: list[Store] = (), *,
                 by_set_props: list[Store] = (), initial: bool = False, prop: str = "data", rarely: int = 0) -> None:
        """Adds a callback: each Store of `writes` gets what its function makes of the tuple of all that the callback
        receives, inputs first. With `rarely` it leaves all or some alone now and then. What does not fit is left out."""
        # with a second output on one Store, and calls at the start, it is chance how often Dash calls the readers
        initial = initial and not any(store.written for store in writes)
        outputs, inputs, states, events = self.fitting([*writes], inputs, states, initial)
        if not outputs:
            return
        self.claim(outputs, inputs, states, events)
        if "load" in events:
            rarely = 0  # which callbacks Dash drops when the page loads and one of them updates nothing, is chance
        returned = [store for store in outputs if store not in by_set_props]
        targets = [Output(store.id, prop, allow_duplicate=prop == "data" and self.is_second(store)) for store in returned]

        @self.dash.callback(*targets, *[Input(source.id, source.prop) for source in inputs],
                            *[State(store.id, "data") for store in states], prevent_initial_call=not initial)
        def run(*received):
            if rarely and mark(received) % rarely == 0:
                raise PreventUpdate
            values = {store: writes[store](received) for store in outputs if not rarely or mark((store.id, received)) % rarely}
            for store in by_set_props:
                if store in values:
                    set_props(store.id, {"data": values[store]})
            answer = tuple(values.get(store, no_update) for store in returned)
            if answer:
                return answer[0] if len(answer) == 1 else answer

    def fitting(self, outputs: list[Store], inputs: list[Source], states: list[Store], initial: bool) -> tuple:
        """(outputs, inputs, states, events): those that leave no doubt about what runs after a click, and what it receives.

        No Store is written twice after one event. Two inputs that change after one event are parent and child: for the
        child's callback, and no further, Dash waits. A state is the callback's own output, an ancestor, or at rest.
        """
        if len(inputs) == 2 and inputs[0].events & inputs[1].events and inputs[1].parents != {inputs[0]}:
            inputs = inputs[:1]
        events = set().union(*(source.events for source in inputs), {"load"} if initial else ())
        ancestors = set(inputs).union(*(source.ancestors() for source in inputs))
        outputs = [store for store in outputs if events and not (store.frozen or store.events & events or store in ancestors)]
        states = [state for state in dict.fromkeys(states)
                  if state in outputs or state in ancestors or not state.events & events]
        return outputs, inputs, states, events

    def claim(self, outputs: list[Store], inputs: list[Source], states: list[Store], events: set[str]) -> None:
        """Enters what the callback reads and writes after these events."""
        for store in {*inputs, *states} - {*outputs}:
            store.frozen = True
        for store in outputs:
            store.events |= events
            store.parents |= set(inputs)
        told = [" ".join(str(source.id) for source in sources) or "none" for sources in (inputs, states, outputs)]
        self.note(f"{told[0]} ({told[1]}) -> {told[2]} on {' '.join(sorted(events))}")

    def in_browser(self, function: str, output: Store, source: Source) -> None:
        """Adds a clientside callback."""
        self.claim([output], [source], [], source.events)
        self.dash.clientside_callback(
            function, Output(output.id, "data", allow_duplicate=self.is_second(output)), Input(source.id, source.prop),
            prevent_initial_call=True)

    def is_second(self, store: Store) -> bool:
        """Whether a callback before this one has the Store's data as output."""
        before, store.written = store.written, True
        return before
