"""What the random app's callbacks compute: values of every kind of JSON, patches that fit them, and texts that show them."""

import zlib

from dash import Patch

TEXTS = ["", "plain", "Größe", "日本", "🎈", "a \"quote\"", "back\\slash", "two\nlines", "\u2028", "\x00", "\ud800",
         "</script>", "1e16", "$dashstash", "NaN", "x" * 1500]
# -0.0 is not among them: Dash itself writes such data to a session Store again and again, until React gives up.
NUMBERS = [0, 1, -7, 5.0, 0.1, -2.5, 1e16, 1e21, 1e-7, 1.5e300, 2**53 + 1, 123456789012345678, 10**25, 1.0000000000000002]
KEYS = ["a", "b", "10", "9", "2013", "01", "-1", "4294967294", "4294967295", "ключ", "", "a.b", "$dashstash", "x y"]
SHOWN = 3000  # characters of a value that the page shows; of a longer one its start and a digest


def value(rng, depth=3):
    """Any JSON value: nested `depth` deep at most, keys in any order."""
    kind = rng.randrange(10 if depth else 5)
    if kind < 2:
        return rng.choice([None, True, False, [], {}])
    if kind < 4:
        return rng.choice(NUMBERS)
    if kind < 5:
        return rng.choice(TEXTS)
    if kind < 7:
        return [value(rng, depth - 1) for _ in range(rng.randrange(6))]
    if kind < 9:
        return {key: value(rng, depth - 1) for key in rng.sample(KEYS, rng.randrange(7))}
    return [{"n": n, "half": n / 2, "text": rng.choice(TEXTS[:8])} for n in range(rng.choice([3, 40]))]


def record(rng):
    """What record_patch fits: {"numbers": [...], "rows": [{...}], "deep": {...}} and keys in any order beside them."""
    return {
        **{key: value(rng, 1) for key in rng.sample(KEYS, rng.randrange(3))},
        "numbers": [rng.choice(NUMBERS) for _ in range(rng.randrange(5))],
        "rows": [{"k": n} for n in range(rng.randrange(4))],
        "deep": {"n": rng.choice([7, 0.1, 1e16, -3]), "text": rng.choice(TEXTS), "10": 1, "9": {"list": [value(rng, 1)]}},
    }


def record_patch(rng, now):
    """A Patch for a record. `now` is its present value, or None if the callback does not know it: then no operation
    depends on how long its lists are."""
    patch = Patch()
    for name in ("numbers", "rows"):
        if now and now[name] and rng.random() < 0.4:
            patch_entry(rng, patch[name], len(now[name]))
    for operation in rng.sample(RECORD_OPERATIONS, rng.randint(1, 4)):
        operation(rng, patch)
    return patch


def patch_entry(rng, patch, length):
    """An operation on one of so many entries of a list."""
    index = rng.randrange(-length, length)
    if rng.random() < 0.3:
        del patch[index]
    elif rng.random() < 0.5:
        patch.insert(index, {"before": index})
    else:
        patch[index] = {"assigned": value(rng, 1)}


def list_patch(rng, now):
    """A Patch for a Store that is a list of anything: the operations have no key."""
    patch = Patch()
    if now and rng.random() < 0.5:
        patch_entry(rng, patch, len(now))
    for _ in range(rng.randint(1, 3)):
        grow_or_shrink(rng, patch)
    return patch


def grow_or_shrink(rng, patch):
    """An operation on a list of any length."""
    rng.choice([
        lambda: patch.append(value(rng, 2)),
        lambda: patch.prepend(value(rng, 1)),
        lambda: patch.extend([rng.choice(NUMBERS), {"10": 1, "9": 2}]),
        lambda: patch.insert(rng.choice([0, 1, 50]), rng.choice(NUMBERS)),
        lambda: patch.remove(rng.choice(NUMBERS)),
        lambda: patch.reverse(),
        lambda: patch.clear() if rng.random() < 0.2 else patch.append("not cleared"),
    ])()


def assign(rng, patch):
    patch["deep"][rng.choice(KEYS[:8])] = value(rng, 2)


def assign_deeper(rng, patch):
    patch["made"][rng.choice(KEYS)]["deeper"] = value(rng, 1)


def delete(rng, patch):
    del patch["deep"][rng.choice(KEYS[:8])]


def merge(rng, patch):
    rng.choice([patch, patch["deep"], patch["made"]]).update({key: value(rng, 1) for key in rng.sample(KEYS, 3)})


def compute(rng, patch):
    number = rng.choice([2, 0.1, 3.0])
    patch["deep"]["n"] = rng.choice([
        lambda n: n.__iadd__(number), lambda n: n.__isub__(number), lambda n: n.__imul__(number),
        lambda n: n.__itruediv__(number)])(patch["deep"]["n"])


def write_on(rng, patch):
    patch["deep"]["text"] += rng.choice(TEXTS[:9])


RECORD_OPERATIONS = [
    lambda rng, patch: grow_or_shrink(rng, patch["numbers"]),
    lambda rng, patch: grow_or_shrink(rng, patch["rows"]),
    lambda rng, patch: patch["rows"].append({"k": rng.choice(TEXTS), "10": 1, "9": [1.0]}),
    assign, assign_deeper, delete, merge, compute, write_on,
]


def derive(rng):
    """A function from what a callback received to a value, always the same for the same."""
    constant = value(rng)
    return rng.choice([
        lambda args: args[0],
        lambda args: list(args),
        lambda args: {"10": args[0], "9": len(args), "half": 2.0},
        lambda args: args[-1] if len(repr(args[-1])) < 500 else len(repr(args[-1])),
        lambda args: dict(reversed(args[0].items())) if isinstance(args[0], dict) else constant,
        lambda args: [constant, mark(args)],
        lambda args: {"kinds": [type(arg).__name__ for arg in args], "text": repr(args)[:200]},
        lambda args: (args[-1][-4:] if isinstance(args[-1], list) else []) + [mark(args)],
    ])


def mark(args):
    """A small number that depends on the values, on their order and their types."""
    return zlib.crc32(repr(args).encode())


def show(data):
    """The value as Python tells it: type, order of keys, 1 and 1.0 apart."""
    text = repr(data)
    if len(text) > SHOWN:
        text = f"{text[:200]}... {len(text)} characters {mark(text)}"
    return f"{type(data).__name__} {text}"
