"""Background callbacks, run by a Celery worker over Redis: celery -A background_celery:celery worker, in the same folder."""

import json
import os

from celery import Celery

from background import build, lossless
from compat import dash


class Manager(lossless(dash.CeleryManager)):
    def get_updated_props(self, key):
        """What set_props has set. Dash's own then removes the job's result instead of it, which may have come by now
        (celery_manager.py)."""
        props = self.handle.backend.get(self._make_set_props_key(key))
        self.clear_cache_entry(self._make_set_props_key(key))
        return json.loads(props or "{}")


celery = Celery(__name__, broker=os.environ["REDIS"], backend=os.environ["REDIS"])
app = build(__name__, Manager(celery))
