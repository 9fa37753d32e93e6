"""Background callbacks, run by processes of the app's own (Diskcache).

They are spawned, as on macOS, not forked: of those forked, one in about two hundred hangs, since it inherits a lock of SQLite's that
another thread of the app had at that moment.
"""

import diskcache
import multiprocess
import psutil

from background import build, lossless
from compat import dash


class Manager(dash.DiskcacheManager):
    def job_running(self, job):
        """As in Dash, where a job that is cancelled while it is looked at is an error."""
        try:
            return super().job_running(job)
        except psutil.NoSuchProcess:
            return False


multiprocess.set_start_method("spawn")
app = build(__name__, lossless(Manager)(diskcache.Cache("diskcache")))
