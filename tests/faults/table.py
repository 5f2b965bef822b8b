"""What a run saw at its crash points: rows are points, columns the mode and what happened there.

A plugin of tests/conftest.py. The table is printed once, whole: workers of pytest-xdist hand over their cells.
"""

from typing import Any

import pytest

from tests.faults.invariants import check_publishing
from tests.topics import Topics

SEEN: dict[str, dict[str, str]] = {}


class Table:
    """The relay's part of the table."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics

    def check(self, row: str, column: str, *, duplicates: tuple[int, int]) -> None:
        """Check all invariants, the duplicates against the least and the most, and note what was seen."""
        note(row, column, "FAILED")
        seen = check_publishing(self._topics, duplicates_at_most=duplicates[1])
        assert seen >= duplicates[0], f"only {seen} duplicates: the point was not where it should be"
        note(row, column, f"ok, {seen} dup" if duplicates[1] else "ok")


def note(row: str, column: str, seen: str = "ok") -> None:
    """Write one cell."""
    SEEN.setdefault(row, {})[column] = seen


def lines() -> list[str]:
    """Return the table as text, its rows by name."""
    columns = sorted({column for found in SEEN.values() for column in found})
    rows = [("", *columns), *((row, *map(found.get, columns)) for row, found in sorted(SEEN.items()))]
    return [(f"{row:54}" + "".join(f"{cell or '':22}" for cell in cells)).rstrip() for row, *cells in rows]


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["crash points"] = SEEN


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    # A worker that died hands over nothing; the run has failed then.
    for row, cells in getattr(node, "workeroutput", {}).get("crash points", {}).items():
        SEEN.setdefault(row, {}).update(cells)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not SEEN:
        return
    terminalreporter.section("crash points (dup: events that are on the wire more than once)")
    for line in lines():
        terminalreporter.write_line(line)
