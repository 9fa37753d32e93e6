"""Each feature of Dash in each of its versions: the same page, callbacks and requests directly and through Dashstash."""

import re
import subprocess
from pathlib import Path

import pytest
import requests

import table  # noqa: F401  its rows are what harness.table holds
from harness.celery import start_worker
from harness.compare import same_both_ways
from harness.servers import Redis
from harness.table import ROWS, cells, markdown
from harness.versions import VERSIONS, python_of

TESTS = Path(__file__).parent
APPS = TESTS / "apps" / "table"
TOKEN = re.compile(r'"\$dashstash":"[A-Za-z0-9_-]{80}"')


@pytest.mark.parametrize("row, version", [pytest.param(*cell, id=f"{cell[0].app}-{cell[1]}") for cell in cells()])
def test_same_both_ways(row, version, dash_app, proxy, new_tab, celery):
    file, python = APPS / f"{row.app}.py", python_of(version)
    app = dash_app(file, python=python, bodies=True, env=celery(file, python) if "celery" in row.app else None)

    def fresh_tab():
        requests.get(app.url + "forget", timeout=10).raise_for_status()
        return new_tab()

    direct, stashed = same_both_ways(app, proxy(app, row.options), fresh_tab, row.walk,
                                     counts=row.counts_in(version))
    assert [text for text, *_ in direct.shown if "ran" in text]
    assert not any(TOKEN.search(e.request_body) for e in direct.tab.callbacks)
    assert any(TOKEN.search(e.request_body) for e in stashed.tab.callbacks) == row.tokens


@pytest.fixture
def celery(tmp_path, server):
    """celery(app's file, its Python) -> the environment variables that the app needs; a worker and Redis are running."""
    workers = []

    def start(file, python):
        redis = server(Redis)
        workers.append(start_worker(file, python, redis.url, tmp_path))
        return {"REDIS": redis.url}

    yield start
    for worker in workers:
        worker.stop()


@pytest.mark.parametrize("version", VERSIONS)
def test_the_environments_hold_their_versions(version):
    code = "import dash; print(dash.__version__)"
    done = subprocess.run([python_of(version), "-W", "ignore", "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.strip() == version


def test_each_app_has_a_row():
    helpers = {"compat", "background"}
    assert sorted(row.app for row in ROWS) == sorted({file.stem for file in APPS.glob("*.py")} - helpers)


def test_the_table_of_the_readme():
    assert markdown() in (TESTS / "README.md").read_text(), f"tests/README.md should have this table:\n\n{markdown()}"
