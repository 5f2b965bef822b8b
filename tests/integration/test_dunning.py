"""The saga on billing's side: declined, tried again, given up, paid too late, given back. Late, twice, out of order."""

import json
from contextlib import closing
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import Sum
from django.utils import timezone
from pytest_django.fixtures import Settings

from billing.dunning import ask_for_due_attempts
from billing.events import (
    InvoicePaid,
    InvoiceRetryDue,
    InvoiceWrittenOff,
    RefundRequested,
    SubscriptionSuspended,
)
from billing.models import DunningAttempt, Invoice, LatePayment, LedgerEntry
from billing.tasks import sweep_dunning
from inbox.testing import deliver
from outbox.envelope import Envelope
from outbox.models import OutboxEvent
from outbox.testing import assert_recorded, refute_recorded
from tests.subscriptions import payment_event, renewed_invoice

pytestmark = pytest.mark.usefixtures("log")


@pytest.fixture
def invoice(log: None) -> Invoice:
    """An open invoice of a subscription."""
    return renewed_invoice()


def receive(*events: Envelope) -> None:
    for event in events:
        deliver(event, consumer="billing")


def decline(invoice: Invoice, attempt: int = 1) -> None:
    invoice.refresh_from_db()
    receive(payment_event("declined", invoice, attempt=attempt, decline_code="card_declined"))
    invoice.refresh_from_db()


def make_due() -> None:
    DunningAttempt.objects.update(due_at=timezone.now() - timedelta(seconds=1))


def give_up(invoice: Invoice) -> None:
    for attempt in (1, 2, 3):
        decline(invoice, attempt)
        make_due()
        ask_for_due_attempts()


def balances() -> dict[str, int]:
    found = LedgerEntry.objects.values_list("account").annotate(Sum("amount"))
    return {account: amount for account, amount in found if amount}


def versions(invoice: Invoice) -> list[int]:
    rows = OutboxEvent.objects.filter(partition_key=str(invoice.pk)).order_by("position")
    return [json.loads(row.data)["version"] for row in rows]


def test_a_captured_payment_that_an_invoice_asked_for_settles_that_invoice(invoice: Invoice) -> None:
    payment = uuid4()
    receive(payment_event("captured", invoice, payment_id=payment))
    invoice.refresh_from_db()
    assert (invoice.state, invoice.payment_id) == ("paid", payment)
    assert Invoice.objects.count() == 1
    assert balances() == {"cash": 990, "revenue": -990}
    assert_recorded(InvoicePaid, invoice_id=invoice.pk, payment_id=payment, version=2)


def test_a_declined_payment_is_tried_again_on_the_schedule(invoice: Invoice, settings: Settings) -> None:
    settings.BILLING = {"DUNNING_DAYS": [3, 7]}
    before = timezone.now()
    decline(invoice)
    due_in = DunningAttempt.objects.get(attempt=2).due_at - before
    assert timedelta(days=3) <= due_in < timedelta(days=3, minutes=5)
    assert invoice.state == "open"
    assert sweep_dunning() == 0
    make_due()
    assert sweep_dunning() == 1
    assert_recorded(InvoiceRetryDue, invoice_id=invoice.pk, payment_id=invoice.payment_id, attempt=2, version=2)


def test_an_attempt_is_asked_for_once(invoice: Invoice) -> None:
    decline(invoice)
    make_due()
    assert [sweep_dunning(), sweep_dunning()] == [1, 0]
    assert_recorded(InvoiceRetryDue, times=1)


def test_the_same_decline_under_two_ids_plans_one_attempt(invoice: Invoice) -> None:
    decline(invoice)
    decline(invoice)
    assert DunningAttempt.objects.count() == 1
    make_due()
    sweep_dunning()
    decline(invoice)
    assert sweep_dunning() == 0


def test_after_the_third_decline_the_invoice_is_given_up_and_the_subscription_suspended(invoice: Invoice) -> None:
    give_up(invoice)
    invoice.refresh_from_db()
    assert invoice.state == "uncollectible"
    assert invoice.subscription is not None
    assert invoice.subscription.state == "suspended"
    assert balances() == {"bad_debt": 990, "revenue": -990}
    assert_recorded(InvoiceRetryDue, times=2)
    assert_recorded(InvoiceWrittenOff, invoice_id=invoice.pk, version=4)
    assert_recorded(SubscriptionSuspended, customer_id=invoice.customer_id, invoice_id=invoice.pk, version=2)
    assert versions(invoice) == [1, 2, 3, 4]


def test_a_success_on_the_second_attempt_ends_the_dunning(invoice: Invoice) -> None:
    decline(invoice)
    receive(payment_event("captured", invoice, attempt=2))
    make_due()
    assert sweep_dunning() == 0
    assert DunningAttempt.objects.get().state == "dropped"
    refute_recorded(InvoiceRetryDue)


def test_a_success_after_the_suspension_is_given_back_once(invoice: Invoice) -> None:
    give_up(invoice)
    invoice.refresh_from_db()
    receive(payment_event("captured", invoice), payment_event("captured", invoice))
    assert_recorded(
        RefundRequested, invoice_id=invoice.pk, payment_id=invoice.payment_id, amount=990, version=5,
        reason="the invoice is uncollectible",
    )  # fmt: skip
    assert balances() == {"bad_debt": 990, "revenue": -990, "cash": 990, "refunds_due": -990}
    assert invoice.subscription is not None
    assert invoice.subscription.state == "suspended"


def test_the_refund_of_a_late_success_is_booked_once_and_writes_no_credit_note(invoice: Invoice) -> None:
    give_up(invoice)
    invoice.refresh_from_db()
    receive(payment_event("captured", invoice))
    for total in (400, 400, 990):
        receive(payment_event("refunded", invoice, refund_id=f"re_{total}", amount=total, refunded=total))
    assert balances() == {"bad_debt": 990, "revenue": -990}
    assert LatePayment.objects.get().refunded == 990
    assert not invoice.credit_notes.exists()


def test_a_second_payment_of_a_paid_invoice_is_given_back(invoice: Invoice) -> None:
    first, second = uuid4(), uuid4()
    receive(payment_event("captured", invoice, payment_id=first))
    receive(payment_event("captured", invoice, payment_id=second))
    assert_recorded(RefundRequested, payment_id=second, reason="the invoice is paid")
    assert balances() == {"cash": 2 * 990, "revenue": -990, "refunds_due": -990}


def test_the_same_success_under_two_ids_settles_once_and_gives_nothing_back(invoice: Invoice) -> None:
    payment = uuid4()
    for _ in range(2):
        receive(payment_event("captured", invoice, payment_id=payment))
    refute_recorded(RefundRequested)
    assert balances() == {"cash": 990, "revenue": -990}


def test_a_decline_that_arrives_after_the_success_changes_nothing(invoice: Invoice) -> None:
    receive(payment_event("captured", invoice, attempt=2))
    decline(invoice, attempt=3)
    assert invoice.state == "paid"
    assert not DunningAttempt.objects.exists()


@pytest.mark.parametrize("changes", [{"amount": 989}, {"currency": "EUR"}, {"invoice_id": str(uuid4())}])
def test_money_that_does_not_fit_an_invoice_is_parked(invoice: Invoice, changes: dict[str, Any]) -> None:
    with pytest.raises(Exception, match=r"is about 990 USD|no invoice has the id"):
        receive(payment_event("captured", invoice, **changes))
    invoice.refresh_from_db()
    assert invoice.state == "open"


def test_a_sweep_leaves_an_attempt_that_another_one_is_at_work_on(invoice: Invoice) -> None:
    decline(invoice)
    make_due()
    with closing(connection.copy()) as rival, rival.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT 1 FROM billing_dunningattempt FOR UPDATE")
        assert sweep_dunning() == 0
        cursor.execute("ROLLBACK")  # waited for; a closed connection's lock may outlive it for a moment
    assert sweep_dunning() == 1


def test_a_cancelled_payment_ends_the_collection_of_its_invoice(invoice: Invoice) -> None:
    event = payment_event("cancelled", invoice)
    receive(event, event)
    invoice.refresh_from_db()
    assert (invoice.state, balances()["bad_debt"]) == ("uncollectible", 990)
    assert_recorded(InvoiceWrittenOff, invoice_id=invoice.pk)
    receive(payment_event("cancelled", invoice, payment_id=uuid4()))
    assert LedgerEntry.objects.filter(invoice=invoice).count() == 4, "a closed invoice stays as it is"
