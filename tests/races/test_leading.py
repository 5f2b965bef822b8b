"""Who may lead, on whose clock, at which database; and what is on the disk before anything is published."""

from collections.abc import Callable, Sequence
from time import time

import pytest
from django.db import connection

from outbox.conf import OutboxSettings
from outbox.exceptions import ForeignClusterError
from outbox.page import Record
from outbox.publisher import OffsetRanges
from outbox.relay import Relay
from outbox.testing import MemoryPublisher
from tests.races.writers import Writer

FAR_AHEAD = "UPDATE outbox_relay SET lease_until = clock_timestamp() + interval '1 day' RETURNING epoch"
OF_ANOTHER = "UPDATE outbox_relay SET identity = '1234567890123456789/00000001/1/1' RETURNING epoch"


def ask(statement: str, parameters: Sequence[str] = ()) -> str | int | bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        [answer] = cursor.fetchone()
        return answer  # type: ignore[no-any-return]


class Witness(MemoryPublisher):
    """Looks, before it publishes, whether the log is on the disk up to `recorded`."""

    recorded = "0/0"

    def publish(self, page: Sequence[Record], *, while_waiting: Callable[[], None]) -> OffsetRanges:
        assert ask("SELECT pg_current_wal_flush_lsn() >= %s::pg_lsn", [self.recorded]), "a crash now would lose the row"
        return super().publish(page, while_waiting=while_waiting)


def test_nothing_is_published_before_its_row_is_on_the_disk(
    writers: list[Writer], settings_of_relay: OutboxSettings
) -> None:
    """Business transactions that commit asynchronously: many, as PostgreSQL also writes by itself now and then."""
    witness = Witness(topics=settings_of_relay.topics)
    relay = Relay(publisher=witness, settings=settings_of_relay)
    for _ in range(20):
        writers[0].run("SET LOCAL synchronous_commit = off")
        writers[0].record("a")
        writers[0].run("COMMIT")
        witness.recorded = str(ask("SELECT pg_current_wal_insert_lsn()"))
        assert relay.run_once() == 1
        writers[0].run("BEGIN")


def test_a_relay_whose_own_clock_is_ahead_waits_for_the_lease_like_any_other(
    relay: Relay, settings_of_relay: OutboxSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay.run_once()
    monkeypatch.setattr("time.time", lambda: time() + 3600)
    Relay(publisher=relay.publisher, settings=settings_of_relay).run_once()
    assert ask("SELECT epoch FROM outbox_relay") == 1


def test_a_lease_that_lies_further_ahead_than_any_relay_would_put_it_is_taken(relay: Relay) -> None:
    ask(FAR_AHEAD)
    relay.run_once()
    assert ask("SELECT epoch FROM outbox_relay") == 1


def test_a_log_that_was_published_from_another_cluster_stops_the_relay(relay: Relay) -> None:
    ask(OF_ANOTHER)
    with pytest.raises(ForeignClusterError, match="1234567890123456789"):
        relay.run_once()
