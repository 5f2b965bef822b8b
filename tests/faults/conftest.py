"""Relays beside the victim, and the table of what was seen, printed at the end of a run."""

from collections.abc import Iterator
from threading import Event, Thread

import pytest
from django.db import connection

from outbox.conf import OutboxSettings
from outbox.management.commands.relay_outbox import make_publisher
from outbox.relay import Relay
from tests.conditions import wait_until
from tests.faults.invariants import check_publishing, count_waiting
from tests.topics import Topics

_SEEN: dict[str, dict[str, str]] = {}


class Successor:
    """A relay of the same log, run in a thread from start() to stop() as its command runs it."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._stop = Event()
        self._thread = Thread(target=self._run)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(60)

    def drain(self) -> None:
        """Return when every row of the log is published."""
        wait_until(lambda: count_waiting() == 0, what="drained")

    def _run(self) -> None:
        try:
            self._relay.run(self._stop)
        finally:
            connection.close()


@pytest.fixture
def mode() -> str:
    """OUTBOX["MODE"] of victims and successors; tests of both modes parametrize it."""
    return "idempotent"


@pytest.fixture
def successor(topics: Topics, outbox_settings: OutboxSettings, mode: str) -> Iterator[Successor]:
    chosen = OutboxSettings.model_validate(outbox_settings.model_dump(by_alias=True) | {"MODE": mode})
    made = Successor(Relay(publisher=make_publisher(chosen), settings=chosen))
    yield made
    if made._thread.is_alive():
        made.stop()


class Table:
    """What one run saw: rows are points, columns what happened there."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics

    def check(self, row: str, column: str, *, duplicates: tuple[int, int]) -> None:
        """Check all invariants, the duplicates against the least and the most, and note what was seen."""
        _SEEN.setdefault(row, {})[column] = "FAILED"
        seen = check_publishing(self._topics, duplicates_at_most=duplicates[1])
        assert seen >= duplicates[0], f"only {seen} duplicates: the point was not where it should be"
        _SEEN[row][column] = f"ok, {seen} dup" if duplicates[1] else "ok"


@pytest.fixture
def table(topics: Topics) -> Table:
    return Table(topics)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not _SEEN:
        return
    columns = sorted({column for found in _SEEN.values() for column in found})
    terminalreporter.section("crash points (dup: events that are on the wire more than once)")
    for row, *cells in [("", *columns), *((row, *map(found.get, columns)) for row, found in sorted(_SEEN.items()))]:
        line = f"{row:54}" + "".join(f"{cell or '':22}" for cell in cells)
        terminalreporter.write_line(line.rstrip())
