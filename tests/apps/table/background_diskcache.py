"""Background callbacks, run by processes of the app's own (Diskcache)."""

import diskcache

from background import build
from compat import dash

app = build(__name__, dash.DiskcacheManager(diskcache.Cache("diskcache")))
