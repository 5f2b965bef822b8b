"""R05, R08, R12, R13, R15: the relay dies; another goes on; nothing is lost, duplicates are at most a page a kill."""

import pytest

from outbox.relay import Relay
from tests.faults.invariants import check_publishing
from tests.faults.killing import kill_at
from tests.faults.victim import PAGE_SIZE
from tests.purchases import capture, drain
from tests.topics import Topics

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize(
    ("point", "hit", "duplicates"),
    [
        pytest.param("R05", 1, 0, id="R05: window opened, nothing read"),
        pytest.param("R08", 10, 3, id="R08: 3 of 7 of the second page produced"),
        pytest.param("R12", 2, PAGE_SIZE, id="R12: all acknowledged, not advanced"),
        pytest.param("R13", 2, PAGE_SIZE, id="R13: advanced, not committed"),
        pytest.param("R15", 2, 0, id="R15: after the advance"),
    ],
)
def test_relay_killed_at(point: str, hit: int, duplicates: int, relay: Relay, topics: Topics) -> None:
    for number in range(15):
        capture(number)
    kill_at(point, "relay", hit=hit)
    wait_for_lease_and_drain(relay)
    assert check_publishing(topics, duplicates_at_most=duplicates) == duplicates


def test_relay_killed_again_and_again_with_events_in_between(relay: Relay, topics: Topics) -> None:
    points = ["R12", "R05", "R13", "R08", "R15"]
    for number, point in enumerate(points):
        for purchase in range(8):
            capture(100 * number + purchase)
        kill_at(point, "relay")
    wait_for_lease_and_drain(relay)
    check_publishing(topics, duplicates_at_most=PAGE_SIZE * len(points))


def wait_for_lease_and_drain(relay: Relay) -> None:
    """Any run_once() before the dead leader's lease of one second is over returns 0, so run until this one leads."""
    while relay._lease is None:
        relay.run_once()
    drain(relay)
