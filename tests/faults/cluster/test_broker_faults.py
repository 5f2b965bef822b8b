"""Three real brokers, RF 3, min.insync.replicas 2: leaders die, replicas are too few, topics change under the relay."""

import time
from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.db import connection

from tests.conditions import wait_until
from tests.faults.cluster.conftest import Brokers
from tests.faults.invariants import count_waiting
from tests.faults.killing import Victim
from tests.faults.settings import PAGE_SIZE
from tests.faults.table import Table, note
from tests.faults.writing import Writer
from tests.purchases import capture

pytestmark = [pytest.mark.kafka, pytest.mark.cluster]
TOPIC = "payments.payment"
LONGEST_STALL = """
SELECT coalesce(max(published_at - before), '0') FROM (
    SELECT published_at, lag(published_at) OVER (ORDER BY published_at) AS before FROM outbox_progress WHERE count > 0
) AS pages
"""


@pytest.fixture
def relay(table: Table) -> Iterator[Victim]:
    """A relay that publishes."""
    with Victim("-", 0, "standing relay") as victim:
        capture()
        wait_until_drained(victim)
        yield victim


def wait_until_drained(relay: Victim) -> None:
    wait_until(lambda: count_waiting() == 0, what=lambda: f"drained\n{relay.output}", seconds=90)


def scalar(statement: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


def check(table: Table, name: str, *, duplicates_at_most: int) -> None:
    """All invariants, and the longest time without a page: docs/operations.md tells what was seen."""
    stall = scalar(LONGEST_STALL).total_seconds()  # type: ignore[attr-defined]
    assert scalar("SELECT count(*) FROM outbox_parked") == 0, "a broker's fault parks nothing"
    assert scalar("SELECT epoch FROM outbox_relay") == 1, "a relay that waits for a broker keeps its lease"
    table.check(f"{name}, {stall:.1f} s without a page", "idempotent", duplicates=(0, duplicates_at_most))


def test_a_partition_s_leader_is_killed_and_nothing_is_lost(brokers: Brokers, relay: Victim, table: Table) -> None:
    with Writer() as writer:
        writer.wait_for(20)
        leader = brokers.leader_of(TOPIC, 0)
        leader.kill()
        wait_until(lambda: brokers.leader_of(TOPIC, 0) is not leader, what="another leads", seconds=60)
        writer.wait_for(20)
    wait_until_drained(relay)
    check(table, "leader killed", duplicates_at_most=PAGE_SIZE)


def test_a_rolling_restart_loses_and_repeats_nothing(brokers: Brokers, relay: Victim, table: Table) -> None:
    with Writer() as writer:
        for broker in brokers.all:
            writer.wait_for(20)
            broker.stop()
            broker.start()
            brokers.wait_until_in_sync()
    wait_until_drained(relay)
    check(table, "rolling restart", duplicates_at_most=PAGE_SIZE)


def test_too_few_replicas_make_the_relay_wait_and_it_goes_on_by_itself(
    brokers: Brokers, relay: Victim, table: Table
) -> None:
    with Writer() as writer:
        writer.wait_for(20)
        for broker in brokers.all[:2]:
            broker.stop()
        wait_until(lambda: count_waiting() > 20 * PAGE_SIZE, what="rows wait for the broker")
        brokers.start(*brokers.all[:2])
        writer.wait_for(20)
    wait_until_drained(relay)
    check(table, "two of three brokers stopped", duplicates_at_most=PAGE_SIZE)


def test_a_topic_that_is_deleted_and_made_again_stops_the_relay(brokers: Brokers, relay: Victim) -> None:
    with Writer() as writer:
        writer.wait_for(20)
        brokers.admin.delete_topics([TOPIC])[TOPIC].result(30)
        call_command("make_topics", verbosity=0)
        since = time.monotonic()
        relay.wait_for("TopicRecreatedError")
        seconds = time.monotonic() - since
        stopped_at = scalar("SELECT count(*) FROM outbox_progress")
        writer.wait_for(20)
    assert scalar("SELECT count(*) FROM outbox_progress") == stopped_at, "it publishes nothing more"
    assert count_waiting() > 0
    note("topic made again", "idempotent", f"stopped after {seconds:.1f} s")
