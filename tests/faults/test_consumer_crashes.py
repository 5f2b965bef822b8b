"""C05, C08, C10, C12, C23: the consumer or the worker dies; the next one goes on; every effect happened once."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from billing.models import Invoice
from inbox.consumer import Consumer
from inbox.models import InboxEvent, InboxOffset
from outbox.relay import Relay
from payments.gateway_calls import make_call, take_due_calls
from tests.faults.invariants import check_effects
from tests.faults.killing import kill_at
from tests.faults.points import POINTS
from tests.gateway_process import GatewayProcess
from tests.purchases import capture, drain, initiate, receive_until
from tests.topics import Topics

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize("point", ["C05", "C08", "C10"], ids=lambda name: str(POINTS[name]))
def test_consumer_killed_at(point: str, relay: Relay, consumer: Callable[[str], Consumer], topics: Topics) -> None:
    for number in range(12):
        capture(number)
    drain(relay)
    kill_at(point, "consumer", "billing")
    # Events come in batches as the broker delivers them: an earlier batch may be committed, and then whole.
    assert InboxEvent.objects.count() == Invoice.objects.count() < 12
    receive_all(consumer("billing"), topics)
    check_effects(topics)


def test_consumer_killed_at_c12_after_commit_goes_on_behind_it(
    relay: Relay, consumer: Callable[[str], Consumer], topics: Topics
) -> None:
    for number in range(12):
        capture(number)
    drain(relay)
    before = offsets()
    kill_at("C12", "consumer", "billing")
    assert offsets() != before, "the offsets went with the transaction, not with the process"
    receive_all(consumer("billing"), topics)
    check_effects(topics)


def receive_all(consumer: Consumer, topics: Topics) -> None:
    ends = {end for end in topics.read_ends().items() if end[0][0] == "payments.payment"}
    receive_until(consumer, lambda: ends <= set(offsets().items()))


def offsets() -> dict[tuple[str, int], int]:
    rows = InboxOffset.objects.filter(consumer="billing").values_list("topic", "partition", "next_offset")
    return {(topic, partition): offset for topic, partition, offset in rows}


def test_worker_killed_at_c23_after_the_gateway_answered_before_it_is_written(
    relay: Relay, consumer: Callable[[str], Consumer], topics: Topics, tmp_path: Path, settings: Settings
) -> None:
    gateway = GatewayProcess(tmp_path)
    gateway.start()
    payment = initiate()
    call = payment.gateway_calls.get()
    kill_at("C23", "worker", str(call.pk), GATEWAY_URL=gateway.url)
    payment.refresh_from_db()
    assert (payment.status, gateway.totals()["charges"]) == ("initiated", 1), "charged, and we do not know it"
    settings.PAYMENTS = settings.PAYMENTS | {"GATEWAY_URL": gateway.url}
    payment.gateway_calls.update(due_at=timezone.now())  # as if the dead worker's lease were over
    [due] = take_due_calls(limit=10)
    make_call(due)
    payment.refresh_from_db()
    assert payment.status == "captured"
    totals = gateway.totals()
    assert (totals["charges"], totals["amounts"], totals["replays"]) == (1, {"usd": 1999}, 1), "I9"
    gateway.stop()
    drain(relay)
    receive_until(consumer("billing"), Invoice.objects.exists)
    check_effects(topics)
