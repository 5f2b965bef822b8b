"""Beat and worker as they run in production: nobody calls the task by its name."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from honcho.environ import parse_procfile

from stack.preparation import ROOT
from tests.conditions import wait_until
from tests.faults.killing import url
from tests.search.index import Index, as_in_the_database, change, waiting, write

pytestmark = pytest.mark.search


@pytest.fixture
def environment(index: Index, tmp_path: Path) -> dict[str, str]:
    """Billing's, with this test's database and index."""
    return os.environ | {
        "SERVICE": "billing", "BILLING_DATABASE_URL": url(), "SEARCH_URL": index.settings["URL"],
        "SEARCH_INDEX": index.alias, "CELERY_BROKER_URL": "filesystem://", "CELERY_FILESYSTEM_FOLDER": str(tmp_path),
        "STATE_FOLDER": str(tmp_path),
    }  # fmt: skip


@pytest.fixture
def processes(environment: dict[str, str], tmp_path: Path) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Billing's beat and worker, by the Procfile's commands."""
    commands = parse_procfile((ROOT / "Procfile").read_text()).processes
    started: dict[str, subprocess.Popen[bytes]] = {}
    with (tmp_path / "log").open("wb") as log:
        for name in ("billing-worker", "billing-beat"):
            started[name] = subprocess.Popen(
                ["sh", "-c", f"exec env {commands[name]}"], env=environment, cwd=ROOT, stdout=log, stderr=log
            )
        yield started
    for process in started.values():
        process.terminate()
        process.wait(60)


def test_what_is_written_gets_to_the_index_by_itself(
    index: Index, processes: dict[str, subprocess.Popen[bytes]]
) -> None:
    invoice = write()
    wait_until(lambda: index.get(invoice), what="indexed by a sweep that beat started")
    change(invoice, state="paid")
    wait_until(lambda: not waiting(), what="and its change")
    assert index.all() == as_in_the_database()
    assert all(process.poll() is None for process in processes.values())
