"""How workers of pytest-xdist share the suite: whole files, long ones first. A plugin of tests/conftest.py.

With the same seed a worker's files, named to one process, run in the same order again.
"""

from pathlib import Path

import pytest

#: They take half a minute and more: begun last, one of them would keep one worker busy when the others have ended.
LONG = [
    "test_renewal_story", "test_consumer_crashes", "test_relay_crashes", "test_revoked_consumer", "test_stack",
    "test_restored_database", "test_relay_in_a_page", "test_parking_crashes", "test_inbox_health", "test_gateway",
    "test_inbox_metrics", "test_rebase_crashes", "test_database_faults", "test_health", "test_demo",
]  # fmt: skip
#: Of each worker: the files that it has begun, and how many of them the last failure came with.
BEGUN: dict[str, list[str]] = {}
FAILED: dict[str, int] = {}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole files, as workers get them. (pytest-django has sorted all tests by their use of the database.)"""
    files = sorted(dict.fromkeys(item.path for item in items), key=_rank)
    items.sort(key=lambda item: files.index(item.path))


def _rank(file: Path) -> int:
    return LONG.index(file.stem) if file.stem in LONG else len(LONG)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if (node := getattr(report, "node", None)) is None:
        return
    begun = BEGUN.setdefault(node.gateway.id, [])
    if (file := report.nodeid.partition("::")[0]) not in begun:
        begun.append(file)
    if report.failed:
        FAILED[node.gateway.id] = len(begun)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    seed = terminalreporter.config.getoption("randomly_seed")
    for worker, count in FAILED.items():
        terminalreporter.section(f"{worker} up to its last failure, in one process")
        terminalreporter.write_line(f'make test ARGS="--randomly-seed={seed} {" ".join(BEGUN[worker][:count])}"')
