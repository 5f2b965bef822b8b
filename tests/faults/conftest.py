"""Relays and consumers beside the victim, and the table of what was seen."""

from collections.abc import Callable, Iterator
from threading import Event, Thread

import pytest
from django.db import connection

from inbox.consumer import Consumer
from outbox.conf import OutboxSettings
from outbox.management.commands.relay_outbox import make_publisher
from outbox.relay import Relay
from tests.conditions import wait_until
from tests.faults.arrivals import Arrivals
from tests.faults.invariants import count_waiting
from tests.faults.table import Table
from tests.topics import Topics

OFFSETS_NEVER_GO_BACK = """
CREATE FUNCTION tests_refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'I6: the offset goes back from % to %', OLD.next_offset, NEW.next_offset; END $$;
CREATE TRIGGER tests_offsets_never_go_back BEFORE UPDATE ON inbox_inboxoffset FOR EACH ROW
    WHEN (NEW.next_offset < OLD.next_offset) EXECUTE FUNCTION tests_refuse()
"""


class Successor:
    """A relay of the same log, or a consumer of the same group, run in a thread as its command runs it."""

    def __init__(self, process: Relay | Consumer) -> None:
        self._process = process
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
            self._process.run(self._stop)
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


@pytest.fixture
def arrivals(topics: Topics, relay: Relay) -> Arrivals:
    return Arrivals(topics, relay)


@pytest.fixture
def next_consumer(consumer: Callable[[str], Consumer]) -> Iterator[Successor]:
    """Billing's consumer in this process, not started yet."""
    made = Successor(consumer("billing"))
    yield made
    if made._thread.is_alive():
        made.stop()


@pytest.fixture
def offsets_never_go_back(log: None) -> Iterator[None]:
    """I6, at every moment: whoever moves an offset back fails."""
    with connection.cursor() as cursor:
        cursor.execute(OFFSETS_NEVER_GO_BACK)
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION tests_refuse CASCADE")
