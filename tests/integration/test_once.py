"""receive() against what a duplicate, a gap, a second copy or another partition could do to it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from billing.models import Invoice
from inbox.applying import Outcome
from inbox.failure import Failure
from inbox.models import InboxOffset, ParkedEvent
from inbox.receiving import begin, receive, remember
from inbox.record import Record
from tests.conditions import wait_until
from tests.parked_records import park_failed
from tests.records import TOPIC, captured, record_at

pytestmark = pytest.mark.usefixtures("log")
WAITS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


@pytest.fixture(autouse=True)
def offsets(log: None) -> None:
    for partition in (0, 1):
        InboxOffset.objects.create(consumer="billing", topic=TOPIC, partition=partition, next_offset=0)


def receive_all(*records: Record) -> dict[Outcome, int]:
    """Receive the records, all of one partition, as one batch from where the database stands."""
    place = records[0].topic, records[0].partition
    expected = InboxOffset.objects.get(consumer="billing", partition=place[1]).next_offset
    return dict(receive("billing", records, expected={place: expected}))


@pytest.mark.parametrize("at_once", [True, False], ids=["in one batch", "in two"])
def test_an_event_that_comes_again_at_another_offset_calls_no_handler(at_once: bool) -> None:
    data = captured()
    first, again = (record_at(offset, data, id="same") for offset in (0, 1))
    batches = [[first, again]] if at_once else [[first], [again]]
    outcomes = [outcome for batch in batches for outcome in receive_all(*batch)]
    assert outcomes == [Outcome.APPLIED, Outcome.DUPLICATE]
    assert Invoice.objects.count() == 1


def test_an_event_that_comes_again_from_another_partition_calls_no_handler() -> None:
    first = record_at(0, captured(), id="same")
    receive_all(first)
    assert receive_all(first._replace(partition=1)) == {Outcome.DUPLICATE: 1}
    assert Invoice.objects.count() == 1


def test_gaps_in_the_offsets_are_passed() -> None:
    """Control records of Kafka's transactions and compaction leave them: the first record is not at the next offset."""
    assert receive_all(record_at(3, captured()), record_at(7, captured())) == {Outcome.APPLIED: 2}
    assert InboxOffset.objects.get(partition=0).next_offset == 8


def test_later_events_of_a_parked_key_queue_and_other_keys_flow() -> None:
    park_failed("billing", record_at(0, captured(), key="bad"), Failure("it failed"))
    outcomes = receive_all(record_at(1, captured(), key="bad"), record_at(2, captured(), key="good"))
    assert outcomes == {Outcome.PARKED: 1, Outcome.APPLIED: 1}
    assert ParkedEvent.objects.get(reason="queued").offset == 1


def test_the_same_ids_in_two_orders_at_once_deadlock_nobody() -> None:
    """A mirrored topic or a repartitioned one: two consumers meet the same three ids, one from each end."""
    one_way = [record_at(offset, captured(), id=name) for offset, name in enumerate("amz")]
    other_way = [record._replace(offset=offset, partition=1) for offset, record in enumerate(reversed(one_way))]
    ready = threading.Barrier(2)
    with ThreadPoolExecutor(2) as threads:
        with begin() as cursor:
            remember(cursor, "billing", [one_way[1]])  # both wait for the one in the middle
            found = [threads.submit(in_own_session, records, ready) for records in (one_way, other_way)]
            wait_until(lambda: are_waiting(2), what="both wait")
            transaction.set_rollback(True)
        outcomes = [future.result(30) for future in found]
    assert sorted(str(next(iter(each))) for each in outcomes) == ["applied", "duplicate"]
    assert Invoice.objects.count() == 3


def in_own_session(records: list[Record], ready: threading.Barrier) -> dict[Outcome, int]:
    try:
        ready.wait(10)
        return receive_all(*records)
    finally:
        connection.close()


def are_waiting(count: int) -> bool:
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute(WAITS)
        found = bool(cursor.fetchone()[0] == count)
    other.close()
    return found
