"""Windows between two snapshots, with real concurrent transactions: each committed row in one window, keys in order."""

from uuid import uuid4

import pytest
from django.db import connection, transaction

from outbox.relay import Relay
from outbox.testing import MemoryPublisher
from tests.purchases import drain
from tests.races.writers import INSERT, Writer, values


def test_a_later_position_that_commits_first_is_published_first_and_the_other_is_not_lost(
    writers: list[Writer], relay: Relay, published: MemoryPublisher
) -> None:
    early, late = writers
    early.record("a", "early")
    late.record("b", "late")
    late.run("COMMIT")
    assert drain(relay) == 1
    assert values(published) == ["late"]
    early.run("COMMIT")
    assert drain(relay) == 1
    assert sorted(values(published)) == ["early", "late"]


def test_a_transaction_that_has_an_id_but_no_rows_yet_holds_up_nobody_and_loses_nothing(
    writers: list[Writer], relay: Relay, published: MemoryPublisher
) -> None:
    slow, quick = writers
    slow.run("SELECT pg_current_xact_id()")
    for number in range(25):
        quick.record("b", f"quick-{number}")
        quick.run("COMMIT")
        quick.run("BEGIN")
        drain(relay)
    slow.record("a", "slow")
    slow.run("COMMIT")
    drain(relay)
    assert sorted(values(published)) == sorted(["slow", *(f"quick-{n}" for n in range(25))])


def test_events_of_a_key_are_published_in_the_order_of_their_locks(
    writers: list[Writer], relay: Relay, published: MemoryPublisher
) -> None:
    first, second = writers
    key = str(uuid4())
    for number in range(5):
        writer = (first, second)[number % 2]
        writer.record(key, str(number))
        writer.run("COMMIT")
        writer.run("BEGIN")
        if number % 2:
            drain(relay)
    drain(relay)
    assert values(published) == ["0", "1", "2", "3", "4"]


def test_rolled_back_rows_and_savepoints_are_never_published(
    writers: list[Writer], relay: Relay, published: MemoryPublisher
) -> None:
    writer, other = writers
    writer.record("a", "kept")
    writer.run("SAVEPOINT s")
    writer.record("a", "gone")
    writer.run("ROLLBACK TO s")
    writer.run("SAVEPOINT t")
    writer.record("a", "kept too")
    writer.run("RELEASE t")
    writer.run("COMMIT")
    other.record("a", "gone as well")
    other.run("ROLLBACK")
    drain(relay)
    assert values(published) == ["kept", "kept too"]


@pytest.mark.parametrize("count", [9, 10, 11, 35])
def test_a_window_larger_than_a_page_is_published_whole(
    count: int, writers: list[Writer], relay: Relay, published: MemoryPublisher
) -> None:
    writers[0].record("a", "x", count)
    writers[0].run("COMMIT")
    assert drain(relay) == count
    assert len(values(published)) == count


def test_a_second_relay_waits_for_the_lease_and_a_superseded_one_publishes_nothing_more(
    writers: list[Writer], relay: Relay, published: MemoryPublisher
) -> None:
    assert relay.run_once() == 0
    other = Relay(publisher=published, settings=relay.settings)
    writers[0].record("a")
    writers[0].run("COMMIT")
    assert other.run_once() == 0, "the first one leads"
    with connection.cursor() as cursor:
        cursor.execute("UPDATE outbox_relay SET lease_until = '-infinity'")
    assert drain(other) == 1
    writers[0].run("BEGIN")
    writers[0].record("a")
    writers[0].run("COMMIT")
    from outbox.exceptions import LeadershipLostError

    with pytest.raises(LeadershipLostError):
        relay.run_once()
    assert len(values(published)) == 1


def test_an_idle_relay_writes_nothing(relay: Relay, published: MemoryPublisher) -> None:
    drain(relay)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM outbox_window")
        before = cursor.fetchone()
        for _ in range(20):
            relay.run_once()
        cursor.execute("SELECT count(*) FROM outbox_window")
        assert cursor.fetchone() == before


def test_a_business_transaction_that_is_serializable_is_published_like_any_other(
    writers: list[Writer], relay: Relay, published: MemoryPublisher
) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
        cursor.execute(INSERT, ["a", "serializable", 1])
    drain(relay)
    assert values(published) == ["serializable"]
