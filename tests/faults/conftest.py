"""Relays beside the victim, and the table of what was seen, printed at the end of a run."""

from collections.abc import Iterator
from threading import Event, Thread

import pytest
from django.db import connection

from outbox.conf import OutboxSettings
from outbox.management.commands.relay_outbox import make_publisher
from outbox.relay import Relay
from tests.conditions import wait_until
from tests.faults.invariants import count_waiting
from tests.faults.table import SEEN, Table, lines
from tests.topics import Topics


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


@pytest.fixture
def table(topics: Topics) -> Table:
    return Table(topics)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not SEEN:
        return
    terminalreporter.section("crash points (dup: events that are on the wire more than once)")
    for line in lines():
        terminalreporter.write_line(line)
