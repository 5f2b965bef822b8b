"""What billing asks for: a cycle is charged once, attempts follow each other, compensation goes back once."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from inbox.models import ParkedEvent
from inbox.testing import deliver, make_event
from outbox.models import OutboxEvent
from outbox.testing import assert_recorded
from payments.events import PaymentCaptured, PaymentDeclined, PaymentInitiated
from payments.gateway_calls import make_call, take_due_calls
from payments.models import GatewayCall, Payment, Refund
from tests.gateway_process import GatewayProcess
from tests.purchases import capture

pytestmark = pytest.mark.usefixtures("log")
ReceivedOnce = Callable[..., None]


def issued(**changes: Any) -> dict[str, Any]:
    """The data of an issued invoice of a subscription."""
    return {
        "invoice_id": str(uuid4()),
        "payment_id": None,
        "subscription_id": str(uuid4()),
        "customer_id": "c-1",
        "amount": 900,
        "currency": "USD",
        "version": 1,
        "billing_cycle": "2026-12-01",
        "payment_method": "pm_card_visa",
        "reference": "december",
    } | changes


def tell(event_type: str, data: dict[str, Any], *, times: int = 1) -> None:
    key = str(data["invoice_id"])
    deliver(make_event(event_type, data, key=key), times=times, consumer="payments")


def charge() -> None:
    for call in GatewayCall.objects.filter(state="pending"):
        make_call(call.pk)


def test_an_invoice_of_a_cycle_is_charged_once(gateway: GatewayProcess, assert_received_once: ReceivedOnce) -> None:
    data = issued()
    assert_received_once(make_event("billing.invoice.issued.v1", data, key="i"), consumer="payments")
    charge()
    payment = Payment.objects.get(billing_cycle="2026-12-01")
    assert (payment.status, str(payment.invoice_id)) == ("captured", data["invoice_id"])
    assert_recorded(PaymentCaptured, invoice_id=payment.invoice_id, billing_cycle="2026-12-01", attempt=1, amount=900)
    assert gateway.totals()["charges"] == 1


def test_two_events_for_one_cycle_charge_once() -> None:
    first, second = issued(), issued()
    tell("billing.invoice.issued.v1", first)
    tell("billing.invoice.issued.v1", second)
    assert Payment.objects.count() == GatewayCall.objects.count() == 1
    tell("billing.invoice.issued.v1", issued(billing_cycle="2027-01-01"))
    tell("billing.invoice.issued.v1", issued(customer_id="c-2"))
    assert Payment.objects.count() == 3


def test_a_call_that_no_request_nudges_for_is_due_at_once() -> None:
    tell("billing.invoice.issued.v1", issued())
    assert take_due_calls(limit=10) == [GatewayCall.objects.get().pk]


def test_an_invoice_without_a_cycle_charges_nobody() -> None:
    tell("billing.invoice.issued.v1", issued(billing_cycle="", payment_id=str(uuid4())))
    assert not Payment.objects.exists()


def test_a_free_cycle_is_captured_without_the_gateway() -> None:
    tell("billing.invoice.issued.v1", issued(amount=0))
    assert Payment.objects.get().status == "captured"
    assert not GatewayCall.objects.exists()


def test_an_invoice_in_what_is_no_currency_is_parked() -> None:
    with pytest.raises(ValueError, match="no currency of ISO 4217"):
        tell("billing.invoice.issued.v1", issued(currency="XXX"))
    assert not Payment.objects.exists()
    assert not ParkedEvent.objects.exists(), "deliver() raises before it parks"


def test_attempts_follow_each_other_each_under_its_own_key(gateway: GatewayProcess) -> None:
    data = issued(payment_method="pm_card_visa_chargeDeclinedInsufficientFunds")
    tell("billing.invoice.issued.v1", data)
    charge()
    payment = Payment.objects.get()
    assert_recorded(PaymentDeclined, attempt=1, decline_code="insufficient_funds", invoice_id=payment.invoice_id)
    retry = {
        "invoice_id": data["invoice_id"],
        "payment_id": str(payment.pk),
        "amount": 900,
        "currency": "USD",
        "version": 2,
    }
    method = {"payment_method": "pm_card_visa"}
    tell("billing.invoice.retry_due.v1", retry | {"attempt": 3} | method)
    assert GatewayCall.objects.count() == 1, "attempt 3 before 2"
    for _ in range(2):  # two events for one attempt
        tell("billing.invoice.retry_due.v1", retry | {"attempt": 2} | method)
    assert_recorded(PaymentInitiated, attempt=2, version=3)
    charge()
    payment.refresh_from_db()
    assert (payment.status, payment.attempt, payment.decline_code) == ("captured", 2, "")
    keys = GatewayCall.objects.order_by("id").values_list("idempotency_key", flat=True)
    assert list(keys) == [f"{payment.pk}:capture", f"{payment.pk}:capture:2"]
    versions = [each.data for each in OutboxEvent.objects.order_by("position")]
    assert [f'"version":{number}' in each.replace(" ", "") for number, each in enumerate(versions, 1)] == [True] * 4
    tell("billing.invoice.retry_due.v1", retry | {"attempt": 3} | method)
    assert gateway.totals()["charges"] == 1, "what was captured is not charged again"


def test_compensation_goes_back_once_an_invoice(gateway: GatewayProcess) -> None:
    tell("billing.invoice.issued.v1", issued())
    charge()
    payment = Payment.objects.get()
    wanted = {"invoice_id": str(payment.invoice_id), "payment_id": str(payment.pk), "amount": 900, "currency": "USD"}
    for _ in range(2):
        tell("billing.refund.requested.v1", wanted | {"reason": "suspended", "version": 5}, times=2)
    charge()
    payment.refresh_from_db()
    assert (payment.status, Refund.objects.get().amount) == ("refunded", 900)
    assert gateway.client.v1.refunds.list().data[0].amount == 900


def test_a_refund_of_more_than_is_left_is_refused_for_a_person_to_see() -> None:
    from payments.exceptions import RefundTooLargeError

    payment = capture()
    data = {"invoice_id": str(uuid4()), "payment_id": str(payment.pk), "amount": 2000, "currency": "USD", "reason": "r"}
    with pytest.raises(RefundTooLargeError):
        tell("billing.refund.requested.v1", data | {"version": 1})
