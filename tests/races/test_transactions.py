"""Business transactions that trap a relay: ids without rows, savepoints, transactions held open or prepared."""

from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest
from django.db import OperationalError, connection
from django.db.utils import DatabaseError

from outbox.relay import Relay
from outbox.testing import MemoryPublisher
from tests.purchases import drain
from tests.races.writers import Writer, values

EVENTS = 5
#: The only transaction that is open and has an id, beside this one that has none.
HIGHER_AND_NEWEST_SNAPSHOT = """
SELECT pg_snapshot_xmax(snapshot) = open.id, open.id IN (SELECT pg_snapshot_xip(snapshot))
FROM outbox_window, pg_snapshot_xip(pg_current_snapshot()) AS open (id) ORDER BY window_id DESC LIMIT 1
"""


@pytest.fixture
def prepared(log: None) -> Iterator[str]:
    """The name of a prepared transaction; none of that name is left behind."""
    yield "held"
    with connection.cursor() as cursor:
        cursor.execute("SELECT gid FROM pg_prepared_xacts WHERE database = current_database()")
        for (name,) in cursor.fetchall():
            cursor.execute("ROLLBACK PREPARED %s", [name])


def test_an_id_that_is_assigned_and_not_completed_at_the_snapshot_is_in_the_next_window_alone(
    writers: list[Writer], relay: Relay, published: MemoryPublisher
) -> None:
    lower, higher = writers
    relay.run_once()  # it leads already: its own ids would lie above theirs
    lower.run("SELECT pg_current_xact_id()")
    higher.record("b", "higher id, lower position")
    lower.record("a", "lower id, higher position")
    lower.run("COMMIT")
    assert drain(relay) == 1
    with connection.cursor() as cursor:
        cursor.execute(HIGHER_AND_NEWEST_SNAPSHOT)
        assert cursor.fetchone() == (True, False), "the id is the snapshot's xmax, and not in its list"
    higher.run("COMMIT")
    assert drain(relay) == 1
    assert sorted(values(published)) == ["higher id, lower position", "lower id, higher position"]


def test_of_nested_savepoints_what_was_released_is_published_and_what_was_rolled_back_is_not(
    writers: list[Writer], relay: Relay, published: MemoryPublisher
) -> None:
    writer, other = writers
    for statement, data in [
        ("SAVEPOINT one", "1"),
        ("SAVEPOINT two", "2"),
        ("RELEASE two", "3"),
        ("SAVEPOINT three", "gone with three"),
        ("SAVEPOINT four", "gone with four"),
        ("RELEASE four", "gone with three again"),
        ("ROLLBACK TO three", "4"),
        ("SAVEPOINT five", "gone with five"),
        ("ROLLBACK TO five", "5"),
        ("RELEASE one", "6"),
    ]:
        writer.run(statement)
        writer.record("a", data)
        other.record("b", f"beside {data}")
        other.run("COMMIT")
        other.run("BEGIN")
        drain(relay)
    writer.run("COMMIT")
    drain(relay)
    assert [value for value in values(published) if "beside" not in value] == ["1", "2", "3", "4", "5", "6"]


@pytest.mark.parametrize("where", ["nowhere", "this database", "another database"])
def test_events_take_the_same_rounds_whatever_transaction_is_open_all_the_while(
    where: str, writers: list[Writer], relay: Relay, published: MemoryPublisher
) -> None:
    slow, quick = writers
    with ExitStack() as held:
        if where == "this database":
            slow.record("a", "slow")
        if where == "another database":
            server = connection.settings_dict
            other = psycopg.connect(host=server["HOST"], port=server["PORT"], user=server["USER"], dbname="postgres")
            held.callback(other.close)
            other.execute("SELECT pg_current_xact_id()")
        for number in range(EVENTS):
            quick.record("b", str(number))
            quick.run("COMMIT")
            quick.run("BEGIN")
            assert (relay.run_once(), relay.run_once()) == (1, 0), "a round to publish, one to see that all is done"
    assert values(published) == [str(number) for number in range(EVENTS)]
    slow.run("COMMIT")
    assert drain(relay) == (where == "this database")


def test_a_prepared_transaction_holds_up_nobody_and_is_published_when_it_commits(
    writers: list[Writer], relay: Relay, published: MemoryPublisher, prepared: str
) -> None:
    slow, quick = writers
    slow.record("a", "prepared")
    slow.run("PREPARE TRANSACTION %s", [prepared])
    for number in range(EVENTS):
        quick.record("b", str(number))
        quick.run("COMMIT")
        quick.run("BEGIN")
        assert (relay.run_once(), relay.run_once()) == (1, 0)
    slow.run("COMMIT PREPARED %s", [prepared])
    assert drain(relay) == 1
    assert sorted(values(published)) == sorted(["prepared", *map(str, range(EVENTS))])


def test_of_two_serializable_transactions_that_collide_the_one_that_is_repeated_is_published_once(
    writers: list[Writer], relay: Relay, published: MemoryPublisher
) -> None:
    for writer in writers:
        writer.run("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
        writer.run("SELECT count(*) FROM outbox_event WHERE partition_key = 'a'")
    first, second = writers
    first.record("a", "first")
    second.record("a", "collided")
    first.run("COMMIT")
    drain(relay)
    with pytest.raises(OperationalError, match="could not serialize"):
        second.run("COMMIT")
    second.run("BEGIN ISOLATION LEVEL SERIALIZABLE")
    second.record("a", "repeated")
    second.run("COMMIT")
    drain(relay)
    assert values(published) == ["first", "repeated"]


def test_a_transaction_that_the_server_ended_leaves_nothing_and_holds_up_nobody(
    writers: list[Writer], relay: Relay, published: MemoryPublisher
) -> None:
    gone, other = writers
    gone.record("a", "gone")
    other.record("b", "kept")
    other.run("COMMIT")
    drain(relay)
    other.run(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND state = 'idle in transaction' AND pid <> pg_backend_pid()"
    )
    with pytest.raises(DatabaseError):
        gone.run("COMMIT")
    assert drain(relay) == 0
    assert values(published) == ["kept"]
