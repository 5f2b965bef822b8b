"""C14, C15: a consumer's partitions go to another one while its transaction is open, in each group protocol."""

import signal
from collections.abc import Callable, Iterator

import pytest
from confluent_kafka import ConsumerGroupState
from confluent_kafka.admin import AdminClient
from django.db import connection
from pytest_django.fixtures import Settings

from inbox.consumer import Consumer
from tests.conditions import wait_until
from tests.faults.arrivals import Arrivals
from tests.faults.conftest import Successor
from tests.faults.consumer_points import LATE, REVOKED, SLOW
from tests.faults.points import Point
from tests.faults.receiving_invariants import check_receiving
from tests.faults.table import note
from tests.faults.test_consumer_crashes import PROTOCOLS, receive_all, wake_and_hand_over
from tests.faults.tripping_consumer import SESSION_SECONDS
from tests.faults.wires import held_at, victim_at
from tests.topics import Topics

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("offsets_never_go_back")]
each_protocol = pytest.mark.parametrize("protocol", PROTOCOLS)
each_stepwise = pytest.mark.parametrize(
    "protocol", PROTOCOLS[:2]
)  # what takes long, and is the group's session, no more
#: The victim's transaction outlives its session in the group.
LONG = {"FAULTS_TRANSACTION_SECONDS": "60"}
#: The least that librdkafka takes with a classic session: no less than that.
POLL_SECONDS = str(SESSION_SECONDS["classic"])
WAITS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%%inbox_inboxoffset%%'
"""


@pytest.fixture
def second(protocol: str, consumer: Callable[[str], Consumer], settings: Settings) -> Iterator[Successor]:
    """Billing's consumer in this process, in the same protocol as the victim."""
    settings.INBOX = settings.INBOX | {"GROUP_PROTOCOL": protocol}
    made = Successor(consumer("billing"))
    yield made
    if made._thread.is_alive():
        made.stop()


@each_protocol
@pytest.mark.parametrize("signum", [signal.SIGKILL, 0], ids=["kill", "late"])
def test_consumer_whose_partitions_are_revoked_with_an_open_transaction(
    signum: int, protocol: str, kafka: str, arrivals: Arrivals, second: Successor, topics: Topics
) -> None:
    arrivals.arrive()
    with held_at(REVOKED, "consumer", FAULTS_PROTOCOL=protocol, **LONG) as (victim, proxy):
        second.start()
        wait_until(lambda: is_rebalancing(kafka), what="the second one asks for its share")
        victim.send(signum)
        if signum:
            victim.expect_killed()
        proxy.release()
        arrivals.arrive()
        receive_all(topics)
        if not signum:
            victim.send(signal.SIGTERM)
            victim.expect_ended()
    check_receiving(topics)
    note(str(REVOKED), f"{protocol} {'kill' if signum else 'late'}")


@each_stepwise
@pytest.mark.parametrize("point", SLOW, ids=str)
def test_consumer_whose_handler_takes_longer_than_the_poll_interval_loses_its_partitions_and_changes_nothing_twice(
    point: Point, protocol: str, arrivals: Arrivals, second: Successor, topics: Topics, caplog: pytest.LogCaptureFixture
) -> None:
    """It lives, its heartbeats go on: only librdkafka says that it polls no more, and leaves the group."""
    arrivals.arrive()
    with held_at(point, "consumer", FAULTS_PROTOCOL=protocol, FAULTS_POLL_SECONDS=POLL_SECONDS, **LONG) as (
        victim,
        proxy,
    ):
        second.start()
        if point == REVOKED:  # it holds the lock of the offsets: its commit comes late, and is the one that counts
            wait_until(is_waiting, what="the second one waits for the offsets")
            proxy.release()
            wait_until(lambda: "AssignmentLostError" in caplog.text, what="the second one is refused, and reads again")
        else:
            receive_all(topics)
            proxy.release()
            victim.wait_for("AssignmentLostError")
        arrivals.arrive()
        receive_all(topics)
        victim.send(signal.SIGTERM)
        victim.expect_ended()
    check_receiving(topics)
    note(str(point), f"{protocol} poll interval exceeded")


@each_protocol
def test_consumer_stopped_with_an_open_transaction_is_replaced_and_its_transaction_ends(
    protocol: str, arrivals: Arrivals, second: Successor, topics: Topics
) -> None:
    arrivals.arrive()
    with victim_at(REVOKED, signal.SIGSTOP, "consumer", FAULTS_PROTOCOL=protocol) as (victim, proxy):
        victim.wait_until_stopped()
        second.start()
        receive_all(topics)
        assert proxy is not None
        proxy.release()
        wake_and_hand_over(victim, second, arrivals, topics, protocol=protocol)
    check_receiving(topics)
    note(str(REVOKED), f"{protocol} zombie")


@each_stepwise
@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGSTOP], ids=["kill", "zombie"])
def test_a_transaction_that_commits_when_another_consumer_has_the_partition_makes_that_one_read_again(
    signum: int, protocol: str, arrivals: Arrivals, second: Successor, topics: Topics, caplog: pytest.LogCaptureFixture
) -> None:
    arrivals.arrive()
    with victim_at(LATE, signum, "consumer", FAULTS_PROTOCOL=protocol, **LONG) as (victim, proxy):
        second.start()
        wait_until(is_waiting, what="the second one waits for the offsets")
        assert proxy is not None
        proxy.release()
        receive_all(topics)
        assert "AssignmentLostError" in caplog.text, "it had read the offsets of before the commit"
        if signum == signal.SIGSTOP:
            victim.wait_until_stopped()
            wake_and_hand_over(victim, second, arrivals, topics, protocol=protocol)
    check_receiving(topics)
    note(str(LATE), f"{protocol} {'kill' if signum == signal.SIGKILL else 'zombie'}")


def is_rebalancing(kafka: str) -> bool:
    admin = AdminClient({"bootstrap.servers": kafka, "log_level": 3})
    [described] = admin.describe_consumer_groups(["billing"]).values()
    group = described.result(10)
    return len(group.members) == 2 and group.state != ConsumerGroupState.STABLE


def is_waiting() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(WAITS)
        return bool(cursor.fetchone()[0])
