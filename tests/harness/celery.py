"""Redis and a Celery worker, for background callbacks."""

from __future__ import annotations

from pathlib import Path

from .process import Process, free_port, listens


def start_redis(folder: Path) -> tuple[Process, str]:
    """Redis on a free port, all in memory; and its address."""
    port = free_port()
    redis = Process("redis", ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
                    folder / "redis.log", cwd=folder)
    redis.wait_ready(lambda: listens(port))
    return redis, f"redis://127.0.0.1:{port}/0"


def start_worker(app: Path, python: Path, redis: str, folder: Path) -> Process:
    """A worker for the app's file, whose Celery is called `celery`, with the app's working directory."""
    worker = Process("celery", [python, "-m", "celery", "--app", f"{app.stem}:celery", "worker", "--concurrency", "1",
                                "--without-gossip", "--without-mingle", "--loglevel", "INFO"],
                     folder / "celery.log", {"REDIS": redis, "PYTHONPATH": str(app.parent), "PYTHONDONTWRITEBYTECODE": "1"},
                     folder)
    worker.wait_ready(lambda: " ready." in worker.log())
    return worker
