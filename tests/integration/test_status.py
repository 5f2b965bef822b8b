"""What waits, counted: against windows that are open, late rows, parked rows, and more rows than are counted."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connection

from outbox.conf import OutboxSettings
from outbox.log import open_window
from outbox.relay import Relay
from outbox.status import MOST_COUNTED, read_status
from outbox.testing import MemoryPublisher
from tests.purchases import drain
from tests.races.writers import INSERT, Writer


@pytest.fixture
def relay(log: None) -> Relay:
    chosen = OutboxSettings.model_validate(settings.OUTBOX | {"PAGE_SIZE": 10})
    return Relay(publisher=MemoryPublisher(topics=chosen.topics), settings=chosen)


@pytest.fixture
def writer(log: None) -> Iterator[Writer]:
    made = Writer()
    yield made
    made.close()


def record(count: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(INSERT, ["a", "{}", count])


def test_nothing_waits_in_a_published_log(relay: Relay) -> None:
    record(25)
    drain(relay)
    status = read_status(connection)
    assert (status.depth, status.lag_seconds, status.is_complete) == (0, 0, True)


def test_rows_wait_before_their_window_in_it_and_after_it_until_their_page_is_saved(relay: Relay) -> None:
    record(25)
    depths = [read_status(connection).depth]
    for _ in range(3):
        relay.run_once()
        record(1)
        depths.append(read_status(connection).depth)
    assert depths == [25, 16, 7, 3]
    drain(relay)
    assert read_status(connection).depth == 0


def test_a_row_of_a_held_transaction_waits_from_its_commit_on_and_is_as_old_as_its_insert(
    relay: Relay, writer: Writer
) -> None:
    writer.record("held")
    record(12)
    relay.run_once()
    assert read_status(connection).depth == 2
    drain(relay)
    assert read_status(connection).depth == 0
    record(1)
    writer.run("COMMIT")
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM now() - min(occurred_at)) FROM outbox_event")
        age = cursor.fetchone()[0]
    status = read_status(connection)
    assert status.depth == 2
    assert status.lag_seconds >= age


def test_late_rows_of_an_open_window_wait_until_their_page_is_saved(relay: Relay, writer: Writer) -> None:
    writer.record("late", count=15)
    record(1)
    drain(relay)
    writer.run("COMMIT")
    assert read_status(connection).depth == 15
    relay.run_once()
    assert read_status(connection).depth == 5
    drain(relay)
    assert read_status(connection).depth == 0


def test_more_rows_than_are_counted_are_measured_by_their_positions(relay: Relay) -> None:
    record(MOST_COUNTED - 1)
    assert read_status(connection).depth == MOST_COUNTED - 1
    record(MOST_COUNTED * 2)
    assert read_status(connection).depth == MOST_COUNTED * 3 - 1
    relay.run_once()
    assert read_status(connection).depth == MOST_COUNTED * 3 - 11


@pytest.mark.parametrize("is_open", [False, True], ids=["before their window", "their window is open"])
def test_the_log_is_never_read_from_its_beginning(is_open: bool, relay: Relay) -> None:
    """Rows read, by PostgreSQL's own counters: a few, whatever was published before."""
    record(5_000)
    drain(relay)
    record(3)
    if is_open:
        assert relay._lease is not None
        open_window(relay._lease, relay._state)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT pg_stat_reset()")
        assert read_status(connection).depth == 3
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(
            "SELECT sum(coalesce(idx_tup_fetch, 0) + seq_tup_read)"
            " FROM pg_stat_user_tables WHERE relname LIKE 'outbox\\_event%'"
        )
        assert cursor.fetchone()[0] < 20
