"""C23: the worker dies when the gateway has answered; the money is taken once, and everybody learns of it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from billing.models import Invoice
from inbox.consumer import Consumer
from outbox.relay import Relay
from payments.gateway_calls import make_call, take_due_calls
from tests.faults.killing import kill_at
from tests.faults.points import POINTS
from tests.faults.receiving_invariants import check_receiving
from tests.faults.table import note
from tests.gateway_process import GatewayProcess
from tests.purchases import drain, initiate, receive_until
from tests.topics import Topics

pytestmark = pytest.mark.kafka


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
    check_receiving(topics)
    note(str(POINTS["C23"]), "worker kill")
