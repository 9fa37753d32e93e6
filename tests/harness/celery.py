"""A Celery worker, for background callbacks."""

from __future__ import annotations

from pathlib import Path

from .process import Process


def start_worker(app: Path, python: Path, redis: str, folder: Path) -> Process:
    """A worker for the app's file, whose Celery is called `celery`, with the app's working directory."""
    worker = Process("celery", [python, "-m", "celery", "--app", f"{app.stem}:celery", "worker", "--concurrency", "1",
                                "--without-gossip", "--without-mingle", "--loglevel", "INFO"],
                     folder / "celery.log", {"REDIS": redis, "PYTHONPATH": str(app.parent), "PYTHONDONTWRITEBYTECODE": "1"},
                     folder)
    worker.wait_ready(lambda: " ready." in worker.log())
    return worker
