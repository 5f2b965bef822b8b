"""Who may lead, on whose clock, at which database; and what is on the disk before anything is published."""

import gc
import threading
from collections.abc import Callable, Iterable, Sequence
from time import time

import pytest
from django.db import connection

from outbox.conf import OutboxSettings
from outbox.delivery import OffsetRanges
from outbox.exceptions import ForeignClusterError
from outbox.page import Record
from outbox.publisher import Progress
from outbox.relay import Relay
from outbox.testing import MemoryPublisher
from tests.purchases import capture, drain
from tests.races.relays import END_LEASE
from tests.races.writers import Writer

FAR_AHEAD = "UPDATE outbox_relay SET lease_until = clock_timestamp() + interval '1 day' RETURNING epoch"
OF_AN_EARLIER_TIMELINE = """
UPDATE outbox_relay SET lease_until = '-infinity', identity = regexp_replace(identity, '/0*1/', '/00000000/')
RETURNING epoch
"""
OF_ANOTHER = "UPDATE outbox_relay SET identity = '1234567890123456789/00000001/1/1' RETURNING epoch"


def ask(statement: str, parameters: Sequence[str] = ()) -> str | int | bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        [answer] = cursor.fetchone()
        return answer  # type: ignore[no-any-return]


class Witness(MemoryPublisher):
    """Looks, before it publishes, whether the log is on the disk up to `recorded`."""

    recorded = "0/0"

    def publish(self, page: Iterable[Record], *, progress: Progress, while_waiting: Callable[[], None]) -> OffsetRanges:
        assert ask("SELECT pg_current_wal_flush_lsn() >= %s::pg_lsn", [self.recorded]), "a crash now would lose the row"
        return super().publish(page, progress=progress, while_waiting=while_waiting)


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


def test_a_drain_that_ends_with_an_error_leaves_no_thread_behind(relay: Relay) -> None:
    ask(OF_ANOTHER)
    before, threshold = set(threading.enumerate()), gc.get_threshold()
    with pytest.raises(ForeignClusterError):
        relay.run(threading.Event(), drain=True)
    assert set(threading.enumerate()) <= before
    assert gc.get_threshold() == threshold


def test_a_promoted_database_whose_topics_agree_goes_on_by_itself(relay: Relay, writers: list[Writer]) -> None:
    relay.run_once()
    ask(OF_AN_EARLIER_TIMELINE)
    writers[0].record("a")
    writers[0].run("COMMIT")
    successor = Relay(publisher=relay.publisher, settings=relay.settings)
    assert successor.run_once() == 1
    assert ask("SELECT split_part(identity, '/', 2) FROM outbox_relay") == "00000001"


def test_topics_that_are_ahead_of_the_database_stop_the_relay(relay: Relay) -> None:
    capture()
    drain(relay)
    with connection.cursor() as cursor:  # as a backup from before would be
        cursor.execute("DELETE FROM outbox_progress WHERE window_id > 0; DELETE FROM outbox_window WHERE window_id > 0")
        cursor.execute(END_LEASE)
    with pytest.raises(
        ForeignClusterError, match="hold window 1 of generation 1, the newest in the database is 0 of 1"
    ):
        Relay(publisher=relay.publisher, settings=relay.settings).run_once()
