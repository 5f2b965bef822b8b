"""The suite in several workers: servers of their own, one table, and an order that can be repeated."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from stack import copies
from stack.exceptions import StackError
from tests.faults import table
from tests.own_servers import OWN_SERVERS, ROOT
from tests.workers import LONG

SHOW = "import os, tests.settings; print(os.environ['DATABASE_URL'], os.environ['KAFKA_BOOTSTRAP_SERVERS'])"
ADDRESSES = {
    "DATABASE_URL": "postgres://first/doorstep", "KAFKA_BOOTSTRAP_SERVERS": "first:1",
    "DATABASE_URL_GW1": "postgres://second/doorstep", "KAFKA_BOOTSTRAP_SERVERS_GW1": "second:1",
}  # fmt: skip


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def collected(*files: str) -> list[str]:
    """The tests in the order in which one process runs them."""
    done = run("-m", "pytest", "--collect-only", "-q", "--randomly-seed=7", *files)
    assert done.returncode == 0, done.stdout + done.stderr
    return [line for line in done.stdout.splitlines() if "::" in line]


def file_of(test: str) -> str:
    return test.partition("::")[0]


def test_a_worker_and_what_it_starts_are_led_to_its_own_servers() -> None:
    assert run("-c", SHOW, **ADDRESSES, PYTEST_XDIST_WORKER="gw1").stdout.split() == [
        "postgres://second/doorstep",
        "second:1",
    ]
    start = f"import tests.settings, os, subprocess, sys; os.environ['DATABASE_URL'] = 'postgres://third/doorstep'; \
subprocess.run([sys.executable, '-c', {SHOW!r}])"
    shown = run("-c", start, **ADDRESSES, PYTEST_XDIST_WORKER="gw1").stdout.split()
    assert shown == ["postgres://third/doorstep", "second:1"], "what a test sets for a process wins"


def test_a_worker_without_servers_is_refused() -> None:
    done = run("-c", SHOW, **ADDRESSES, PYTEST_XDIST_WORKER="gw99")
    assert done.returncode == 1
    assert "worker GW99 has no servers" in done.stderr


def test_several_copies_of_a_server_that_is_set_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://somebody/theirs")
    with (
        pytest.raises(StackError, match="DATABASE_URL would lead all 2 copies to one server"),
        copies.running("e2e-copies", 2, with_kafka=False),
    ):
        pass


def test_long_files_come_first_and_a_workers_files_run_in_the_same_order_in_one_process() -> None:
    whole = collected()
    files = list(dict.fromkeys(map(file_of, whole)))
    assert [file.rpartition("/")[2].removesuffix(".py") for file in files[: len(LONG)]] == LONG
    assert [test for file in files for test in whole if file_of(test) == file] == whole, "whole files"
    of_one_worker = files[2::3]
    assert collected(*of_one_worker) == [test for test in whole if file_of(test) in of_one_worker]


def test_the_cells_of_all_workers_become_one_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "SEEN", {})
    for cells in ({"R01": {"kill": "ok"}}, {"R01": {"zombie": "ok, 7 dup"}, "R02": {"kill": "FAILED"}}):
        table.pytest_testnodedown(SimpleNamespace(workeroutput={"crash points": cells}))
    table.pytest_testnodedown(SimpleNamespace())  # died
    assert [line.split() for line in table.lines()] == [
        ["kill", "zombie"],
        ["R01", "ok", "ok,", "7", "dup"],
        ["R02", "FAILED"],
    ]


def test_a_worker_without_a_broker_of_its_own_has_settings_all_the_same() -> None:
    """As `make test-fast` runs: a database for each worker, and no Kafka."""
    alone = OWN_SERVERS | {"PYTEST_XDIST_WORKER": "gw1", "DATABASE_URL_GW1": "postgres://second/doorstep"}
    done = subprocess.run(
        [sys.executable, "-c", SHOW], cwd=ROOT, env=alone, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["postgres://second/doorstep", "127.0.0.1:9092"], done.stderr
