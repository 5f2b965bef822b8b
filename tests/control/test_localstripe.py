"""The negative control: payments against a provider that ignores idempotency keys, under the schedule of the real one.

What our side alone prevents, and what it cannot: docs/gateway.md has the numbers.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest
import stripe
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from outbox.models import OutboxEvent
from payments.gateway_calls import make_call
from payments.models import GatewayCall, Payment
from payments.operations import initiate_payment
from tests.control.cutting import Cutting
from tests.control.localstripe_process import Localstripe
from tests.gateway_process import API_KEY, GatewayProcess

pytestmark = [pytest.mark.control, pytest.mark.usefixtures("log")]
PAYMENTS, RATE, SEED = 60, 0.3, 1997


class Seen(NamedTuple):
    """payments captured, events that say so, answers lost on the way, charges at the provider."""

    captured: int
    events: int
    lost: int
    charges: int


@pytest.fixture(params=["gateway", "localstripe"])
def provider(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GatewayProcess | Localstripe]:
    process = GatewayProcess(tmp_path) if request.param == "gateway" else Localstripe(tmp_path)
    process.start()
    yield process
    process.stop()


def test_a_lost_answer_costs_a_charge_where_keys_are_ignored_and_none_where_they_count(
    provider: GatewayProcess | Localstripe, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    with Cutting(provider.url, rate=RATE, seed=SEED) as cutting:
        settings.PAYMENTS = settings.PAYMENTS | {"GATEWAY_URL": cutting.url}
        for number in range(PAYMENTS):
            insist(initiate(number))
    seen = look(provider.url, cutting.lost)
    with capsys.disabled():
        print(f"\n{type(provider).__name__}: {seen}")
    assert seen.lost > 0
    assert (seen.captured, seen.events) == (PAYMENTS, PAYMENTS), "our books are right in any case"
    assert seen.charges == PAYMENTS + (seen.lost if isinstance(provider, Localstripe) else 0)


def test_our_side_alone_prevents_what_happens_on_our_side(
    provider: GatewayProcess | Localstripe, settings: Settings
) -> None:
    """Every task on three workers at the same moment, and once more later: the row lets one of them through."""
    settings.PAYMENTS = settings.PAYMENTS | {"GATEWAY_URL": provider.url}
    calls = [initiate(number).pk for number in range(PAYMENTS)]
    with ThreadPoolExecutor(3) as workers:
        list(workers.map(work, [call for call in calls for _ in range(3)]))
        list(workers.map(work, calls))
    assert look(provider.url, lost=0) == Seen(captured=PAYMENTS, events=PAYMENTS, lost=0, charges=PAYMENTS)


def initiate(number: int) -> GatewayCall:
    payment = initiate_payment(
        customer_id="c", reference=f"purchase-{number}", amount=1999, currency="USD", payment_method="pm_card_visa"
    )
    return payment.gateway_calls.get()


def insist(call: GatewayCall) -> None:
    """Repeat under the same key until there is an answer, as the sweeper does."""
    while (answer := make_call(call.pk)) and answer.state == GatewayCall.State.UNKNOWN:
        GatewayCall.objects.filter(pk=call.pk).update(due_at=timezone.now())


def work(call_id: int) -> None:
    try:
        make_call(call_id)
    finally:
        connection.close()


def look(url: str, lost: int) -> Seen:
    """Count on both sides."""
    provider = stripe.StripeClient(API_KEY, base_addresses={"api": url})
    charges = [charge for charge in provider.v1.charges.list({"limit": 100}).auto_paging_iter() if charge.paid]
    captured = Payment.objects.filter(status="captured").count()
    events = OutboxEvent.objects.filter(event_type="payments.payment.captured.v1").count()
    return Seen(captured, events, lost, len(charges))
