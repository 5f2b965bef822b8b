"""C01 to C18, C20, C22: the consumer dies, or is stopped and wakes when another has its partitions."""

import signal
from collections.abc import Callable

import pytest

from inbox.models import InboxEvent, ParkedEvent
from tests.conditions import wait_until
from tests.faults.arrivals import Arrivals
from tests.faults.conftest import Successor
from tests.faults.consumer_points import (
    ACROSS,
    BEHIND_IT,
    HALF_WAY,
    IN_A_BATCH,
    PARKED,
    STARTING,
    STOPPED_IN_A_BATCH,
)
from tests.faults.killing import Victim
from tests.faults.points import Point
from tests.faults.receiving_invariants import check_offsets, check_receiving, offsets
from tests.faults.table import note
from tests.faults.tripping_consumer import SESSION_SECONDS
from tests.faults.wires import victim_at
from tests.topics import Topics

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("offsets_never_go_back")]
PROTOCOLS = ["consumer", "classic", "eager"]
#: Where the group matters: in each protocol.
IN_THE_GROUP = [(protocol, point) for protocol in PROTOCOLS[:2] for point in STARTING[1:3]] + [
    (protocol, ACROSS) for protocol in PROTOCOLS
]
KILLED = [("consumer", point) for point in [STARTING[0], STARTING[3], *IN_A_BATCH, *BEHIND_IT]]
STOPPED = [("consumer", point) for point in IN_A_BATCH] + [(protocol, ACROSS) for protocol in PROTOCOLS[:2]]
UNTOUCHED = [point.name for point in [*STARTING, *IN_A_BATCH[:-1]]]


@pytest.mark.parametrize(("protocol", "point"), IN_THE_GROUP + KILLED, ids=str)
def test_consumer_killed_at(
    point: Point, protocol: str, arrivals: Arrivals, next_consumer: Successor, topics: Topics
) -> None:
    arrivals.arrive()
    before = offsets()
    with victim_at(point, signal.SIGKILL, "consumer", FAULTS_PROTOCOL=protocol) as (victim, _):
        victim.expect_killed()
    assert (offsets() == before) is (point.name in UNTOUCHED), "the offsets go with the transaction, not the process"
    assert InboxEvent.objects.exists() is (offsets() != before), "and so do the ids"
    arrivals.arrive()
    next_consumer.start()
    receive_all(topics)
    check_receiving(topics)
    note(str(point), f"{protocol} kill")


@pytest.mark.parametrize(("protocol", "point"), STOPPED, ids=str)
def test_consumer_stopped_replaced_and_woken_changes_nothing(
    point: Point, protocol: str, arrivals: Arrivals, next_consumer: Successor, topics: Topics
) -> None:
    arrivals.arrive()
    with victim_at(point, signal.SIGSTOP, "consumer", FAULTS_PROTOCOL=protocol) as (victim, proxy):
        victim.wait_until_stopped()
        next_consumer.start()
        receive_all(topics)
        arrivals.arrive()
        receive_all(topics)
        if proxy is not None:
            proxy.release()
        wake_and_hand_over(victim, next_consumer, arrivals, topics, protocol=protocol)
    check_receiving(topics)
    note(str(point), f"{protocol} zombie")


@pytest.mark.parametrize("point", [HALF_WAY, PARKED], ids=str)
def test_consumer_killed_around_a_failing_event_parks_it_once_and_goes_on(
    point: Point, arrivals: Arrivals, next_consumer: Successor, topics: Topics
) -> None:
    arrivals.arrive_with_poison()
    with victim_at(point, signal.SIGKILL, "consumer") as (victim, _):
        victim.expect_killed()
    assert not InboxEvent.objects.exists(), "nothing of the batch is there"
    assert not ParkedEvent.objects.exists(), "nor is it parked"
    next_consumer.start()
    receive_all(topics)
    check_receiving(topics, parked=2)
    note(str(point), "consumer kill")


@pytest.mark.parametrize("point", [HALF_WAY, PARKED], ids=str)
def test_consumer_stopped_around_a_failing_event_parks_nothing_twice(
    point: Point, arrivals: Arrivals, next_consumer: Successor, topics: Topics
) -> None:
    arrivals.arrive_with_poison()
    with victim_at(point, signal.SIGSTOP, "consumer") as (victim, _):
        victim.wait_until_stopped()
        next_consumer.start()
        receive_all(topics)
        wake_and_hand_over(victim, next_consumer, arrivals, topics, protocol="consumer")
    check_receiving(topics, parked=2 + 3)  # three more of the key have come, and wait too
    note(str(point), "consumer zombie")


def test_sigterm_in_a_batch_ends_the_consumer_after_its_commit(
    arrivals: Arrivals, next_consumer: Successor, topics: Topics
) -> None:
    arrivals.arrive()
    before = offsets()
    with Victim(STOPPED_IN_A_BATCH.name, signal.SIGTERM, "consumer") as victim:
        victim.expect_ended()
    moved = sum(offsets().values()) - sum(before.values())
    assert moved == 10, "the batch in hand, and no other"
    next_consumer.start()
    receive_all(topics)
    check_receiving(topics)
    note(str(STOPPED_IN_A_BATCH), "consumer SIGTERM")


def wake_and_hand_over(
    victim: Victim, successor: Successor, arrivals: Arrivals, topics: Topics, *, protocol: str
) -> None:
    """Wake a consumer that slept for twice its session; once it is back in the group, it has all partitions again."""
    assigned = victim.output.count("partitions assigned")
    victim.wake(after_seconds=2 * SESSION_SECONDS[protocol])
    wait_until(lambda: victim.output.count("partitions assigned") > assigned, what=lambda: f"back\n{victim.output}")
    successor.stop()
    arrivals.arrive()
    receive_all(topics)
    victim.send(signal.SIGTERM)
    victim.expect_ended()


def receive_all(topics: Topics) -> None:
    """Return when everything that is on the topic was received."""
    wait_until(_is_done(topics), what=lambda: f"received up to {topics.read_ends()}: {offsets()}")


def _is_done(topics: Topics) -> Callable[[], bool]:
    def is_done() -> bool:
        try:
            check_offsets(topics)
        except AssertionError:
            return False
        return True

    return is_done
