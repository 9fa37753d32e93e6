"""Background callbacks, run by a Celery worker over Redis: celery -A background_celery:celery worker, in the same folder."""

import os

from celery import Celery

from background import build, lossless
from compat import dash

celery = Celery(__name__, broker=os.environ["REDIS"], backend=os.environ["REDIS"])
app = build(__name__, lossless(dash.CeleryManager)(celery))
