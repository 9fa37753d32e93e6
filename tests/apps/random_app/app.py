"""A Dash app made at random from the number in SEED, the same for the same number.

FEATURES names the features it may have, all by default. python app.py tells what it consists of.
"""

import os

from build import Builder
from dash import html
from features import chosen

make = Builder(os.environ.get("SEED", "0"))
for feature in chosen(make.rng, os.environ.get("FEATURES", "").split()):
    make.notes.append(feature.__name__)
    feature(make)

app = make.dash
app.layout = html.Div(make.layout)

if __name__ == "__main__":
    print("\n".join(make.notes))
