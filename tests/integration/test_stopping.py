"""A consumer process that is asked to end, or to drain: what it finishes, what it rolls back, how long it takes."""

import re
import time
from contextlib import closing
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient
from django.db import connection

from billing.models import Invoice
from inbox.models import Heartbeat, InboxEvent, InboxOffset
from inbox.stopping import HARD_END_SECONDS
from outbox.envelope import encode
from tests.consumer_process import TOLD
from tests.integration.test_inbox_metrics import tell
from tests.records import TOPIC, event
from tests.relay_process import RelayProcess, Start, until
from tests.topics import Topics

pytestmark = pytest.mark.kafka


def in_hand() -> bool:
    return Heartbeat.objects.exclude(in_hand="").exists()


def until_it_reads() -> None:
    until(lambda: Heartbeat.objects.filter(unassigned_at=None).exists(), what=lambda: Heartbeat.objects.values())


def end_timed(process: RelayProcess) -> tuple[int, float]:
    """Return the exit code after SIGTERM, and the seconds that it took."""
    started = time.monotonic()
    return process.end(), time.monotonic() - started


def test_sigterm_ends_it_after_the_batch_in_hand(consume: Start, topics: Topics) -> None:
    consumer = consume()
    until_it_reads()
    tell(topics, sleeps=2.5)
    until(in_hand)
    assert consumer.end() == 0
    assert Invoice.objects.count() == InboxEvent.objects.count() == 1
    assert not Heartbeat.objects.exists()


@pytest.mark.parametrize("told", [{"sleeps": 60}, {"waits_for_lock": True}], ids=["in Python", "in a statement"])
def test_a_batch_that_takes_too_long_is_rolled_back_and_the_group_is_left(
    told: dict[str, Any], consume: Start, topics: Topics, kafka: str
) -> None:
    consume(drain=True).wait()  # the group is there, and whoever was killed in another test is not in it any more
    until(lambda: members(kafka) == 0)
    consumer = consume(STOP_SECONDS=1.0)
    until_it_reads()
    before = offsets()
    with closing(connection.copy()) as locker, locker.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(1)")
        tell(topics, **told)
        until(in_hand)
        session = Heartbeat.objects.get().session
        code, seconds = end_timed(consumer)
        assert code == 0, consumer.log.read_text()
        assert seconds < 1.0 + HARD_END_SECONDS
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", [session])
        assert cursor.fetchone() == (0,), "its statement ended with it"
    assert "stopped in a batch, which is rolled back" in consumer.log.read_text()
    assert (Invoice.objects.count(), InboxEvent.objects.count(), offsets()) == (0, 0, before)
    assert re.search(r'in_hand="1 records from', consumer.log.read_text())
    assert not Heartbeat.objects.exists()
    assert members(kafka) == 0, "it left the group and did not wait to be missed"


def test_a_handler_that_swallows_everything_is_ended_hard(consume: Start, topics: Topics) -> None:
    consumer = consume(STOP_SECONDS=1.0)
    until_it_reads()
    tell(topics, sleeps=60, ignores_interrupts=True)
    until(in_hand)
    code, seconds = end_timed(consumer)
    assert code == 1
    assert 1.0 + HARD_END_SECONDS <= seconds < 1.0 + HARD_END_SECONDS + 3
    assert "do_as_told" in consumer.log.read_text(), "it says where it hung"
    until(lambda: (Invoice.objects.count(), InboxEvent.objects.count()) == (0, 0))


@pytest.mark.parametrize("group_protocol", ["consumer", "classic", "eager"])
def test_drain_receives_everything_and_ends(group_protocol: str, consume: Start, topics: Topics) -> None:
    for number in range(20):
        tell(topics, key=str(number))
    last = event(b"{}", type=TOLD)
    topics.write_in_transaction(TOPIC, b"{}", key=b"k", headers=encode(last))  # its marker follows it
    consumer = consume(drain=True, BATCH_SIZE=3, GROUP_PROTOCOL=group_protocol)
    assert consumer.wait() == 0
    assert Invoice.objects.count() == 21


def members(kafka: str) -> int:
    admin = AdminClient({"bootstrap.servers": kafka})  # one that goes out of scope takes its requests with it
    [found] = admin.describe_consumer_groups(["tests"]).values()
    return len(found.result(30).members)


def offsets() -> dict[tuple[str, int], int]:
    rows = InboxOffset.objects.filter(consumer="tests").values_list("topic", "partition", "next_offset")
    return {(topic, partition): offset for topic, partition, offset in rows}
