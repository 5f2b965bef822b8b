"""C05, C08, C10: the consumer dies; the next one goes on; every effect happened once."""

from collections.abc import Callable

import pytest

from billing.models import Invoice
from inbox.consumer import Consumer
from inbox.models import InboxEvent, InboxOffset
from outbox.relay import Relay
from tests.faults.invariants import check_effects
from tests.faults.killing import kill_at
from tests.purchases import capture, drain, receive_until
from tests.topics import Topics

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize(
    ("point", "hit"),
    [
        pytest.param("C05", 1, id="C05: batch consumed, before BEGIN"),
        pytest.param("C08", 3, id="C08: 2 of n effects written"),
        pytest.param("C10", 1, id="C10: offset moved, before COMMIT"),
    ],
)
def test_consumer_killed_at(
    point: str, hit: int, relay: Relay, consumer: Callable[[str], Consumer], topics: Topics
) -> None:
    for number in range(12):
        capture(number)
    drain(relay)
    before = offsets()
    kill_at(point, "consumer", "billing", hit=hit)
    assert not InboxEvent.objects.exists(), "what was not committed is not there"
    assert not Invoice.objects.exists()
    assert offsets() == before
    ends = {end for end in topics._ends().items() if end[0][0] == "payments.payment"}
    receive_until(consumer("billing"), lambda: ends <= set(offsets().items()))
    check_effects(topics)


def offsets() -> dict[tuple[str, int], int]:
    rows = InboxOffset.objects.filter(consumer="billing").values_list("topic", "partition", "next_offset")
    return {(topic, partition): offset for topic, partition, offset in rows}
