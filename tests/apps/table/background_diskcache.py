"""Background callbacks, run by processes of the app's own (Diskcache).

They are spawned, as on macOS, not forked: of those forked, one in about two hundred hangs, since it inherits a lock of SQLite's that
another thread of the app had at that moment.
"""

import diskcache
import multiprocess

from background import build, lossless
from compat import dash

multiprocess.set_start_method("spawn")
app = build(__name__, lossless(dash.DiskcacheManager)(diskcache.Cache("diskcache")))
