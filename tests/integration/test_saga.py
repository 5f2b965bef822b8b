"""The saga over both services and the real gateway: declined, tried again, suspended, paid too late, given back."""

from datetime import timedelta

import pytest
from django.db.models import Sum
from django.utils import timezone

from billing.events import InvoiceCredited, RefundRequested, SubscriptionSuspended
from billing.models import DunningAttempt, Invoice, LedgerEntry
from billing.tasks import sweep_dunning
from inbox.testing import deliver, drain_inbox
from outbox.conf import outbox_settings
from outbox.testing import MemoryPublisher, assert_recorded, drain_outbox, refute_recorded
from payments.models import GatewayCall, Payment
from payments.refunding import request_refund
from payments.tasks import sweep_gateway_calls
from tests.gateway_process import GatewayProcess
from tests.subscriptions import payment_event, renewed_invoice


class BothSides:
    """Everything that relays, consumers and workers do, until nothing is left to do."""

    def __init__(self, broker: MemoryPublisher) -> None:
        self._broker = broker

    def settle(self) -> None:
        self.call()
        while drain_outbox(self._broker):
            self.receive("payments")
            self.receive("billing")
            self.call()

    def receive(self, consumer: str) -> None:
        """What is published reaches this side."""
        drain_outbox(self._broker)
        drain_inbox(self._broker.log, consumer=consumer)

    def call(self) -> None:
        """What was asked of the gateway is due."""
        GatewayCall.objects.filter(state="pending").update(due_at=timezone.now())
        sweep_gateway_calls()

    def next_attempt(self) -> None:
        """The schedule's next day comes."""
        DunningAttempt.objects.update(due_at=timezone.now() - timedelta(seconds=1))
        assert sweep_dunning() == 1
        self.settle()


@pytest.fixture
def sides(log: None) -> BothSides:
    return BothSides(MemoryPublisher(topics=outbox_settings().topics))


def balances() -> dict[str, int]:
    found = LedgerEntry.objects.values_list("account").annotate(Sum("amount"))
    return {account: amount for account, amount in found if amount}


def look(invoice: Invoice) -> tuple[str, str, str]:
    """How invoice, subscription and payment stand."""
    invoice.refresh_from_db()
    assert invoice.subscription is not None
    return invoice.state, invoice.subscription.state, Payment.objects.get(invoice_id=invoice.pk).status


def test_three_attempts_each_under_its_own_key_then_the_subscription_is_suspended_and_the_customer_told(
    sides: BothSides, gateway: GatewayProcess
) -> None:
    gateway.http.put("/_faults", json={"decline": 1}).raise_for_status()
    invoice = renewed_invoice()
    sides.settle()
    sides.next_attempt()
    assert look(invoice) == ("open", "active", "declined")
    sides.next_attempt()
    assert look(invoice) == ("uncollectible", "suspended", "declined")
    assert sweep_dunning() == 0
    assert_recorded(SubscriptionSuspended, customer_id=invoice.customer_id, invoice_id=invoice.pk)
    assert len(set(GatewayCall.objects.values_list("idempotency_key", flat=True))) == 3
    assert (gateway.totals()["refused"], gateway.totals()["keys"], gateway.totals()["charges"]) == (3, 3, 0)
    assert balances() == {"bad_debt": 990, "revenue": -990}


def test_a_card_that_works_at_the_second_attempt_is_charged_once(sides: BothSides, gateway: GatewayProcess) -> None:
    gateway.http.put("/_faults", json={"decline": 1}).raise_for_status()
    invoice = renewed_invoice()
    sides.settle()
    gateway.http.put("/_faults", json={}).raise_for_status()
    sides.next_attempt()
    assert look(invoice) == ("paid", "active", "captured")
    assert balances() == {"cash": 990, "revenue": -990}
    assert gateway.totals()["charges"] == 1


def test_money_that_comes_when_the_invoice_is_given_up_goes_back_to_the_card(
    sides: BothSides, gateway: GatewayProcess
) -> None:
    invoice = renewed_invoice()
    sides.receive("payments")
    payment = Payment.objects.get()
    for attempt in (1, 2, 3):  # billing hears this first, and of the capture when it has closed the invoice
        declined = payment_event("declined", invoice, payment_id=payment.pk, attempt=attempt, decline_code="lost")
        deliver(declined, consumer="billing")
    sides.settle()
    assert look(invoice) == ("uncollectible", "suspended", "refunded")
    assert_recorded(RefundRequested, invoice_id=invoice.pk, payment_id=payment.pk, amount=990, times=1)
    refute_recorded(InvoiceCredited)
    assert (gateway.totals()["amounts"], gateway.totals()["refunded"]) == ({"usd": 990}, {"usd": 990})
    assert balances() == {"bad_debt": 990, "revenue": -990}


def test_a_refund_is_a_credit_note_and_lines_the_other_way_round(sides: BothSides, gateway: GatewayProcess) -> None:
    invoice = renewed_invoice()
    sides.settle()
    payment = Payment.objects.get()
    for amount in (90, 900):
        request_refund(payment.pk, amount=amount, reason="complaint")
        sides.settle()
    assert look(invoice) == ("paid", "active", "refunded")
    assert_recorded(InvoiceCredited, invoice_id=invoice.pk, times=2)
    assert list(invoice.credit_notes.order_by("id").values_list("amount", flat=True)) == [90, 900]
    assert balances() == {}
