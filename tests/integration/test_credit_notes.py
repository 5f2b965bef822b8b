"""Refunds and disputes: a credit note, reversed lines, a note; each once, whatever comes twice or too early."""

from uuid import uuid4

import pytest
from django.db.models import Sum

from billing.events import InvoiceCredited
from billing.models import CreditNote, Dispute, Invoice, LedgerEntry
from inbox.testing import deliver, make_event
from outbox.envelope import Envelope
from outbox.testing import assert_recorded
from tests.records import captured

pytestmark = pytest.mark.usefixtures("log")


@pytest.fixture
def paid(log: None) -> Invoice:
    """The paid invoice of a purchase."""
    data = captured(amount=1999)
    deliver(make_event("payments.payment.captured.v1", data, key="p"), consumer="billing")
    return Invoice.objects.get(payment_id=data["payment_id"])


def refund(invoice: Invoice, amount: int, *, total: int, refund_id: str = "re_1", **changes: object) -> Envelope:
    data = {
        "payment_id": invoice.payment_id, "refund_id": refund_id, "customer_id": "c", "reference": "r",
        "amount": amount, "refunded": total, "currency": "USD", "reason": "requested_by_customer", "version": 3,
    }  # fmt: skip
    return make_event("payments.payment.refunded.v1", data | changes, key=str(invoice.payment_id))


def dispute(invoice: Invoice, status: str, version: int) -> Envelope:
    data = {
        "payment_id": invoice.payment_id, "dispute_id": "dp_1", "amount": 1999, "currency": "USD",
        "reason": "fraudulent", "status": status, "version": version,
    }  # fmt: skip
    return make_event("payments.payment.disputed.v1", data, key=str(invoice.payment_id))


def balances() -> dict[str, int]:
    found = LedgerEntry.objects.values_list("account").annotate(Sum("amount"))
    return {account: amount for account, amount in found if amount}


def test_a_refund_writes_a_credit_note_and_books_both_steps_backwards(paid: Invoice) -> None:
    deliver(refund(paid, 999, total=999), consumer="billing")
    paid.refresh_from_db()
    note = CreditNote.objects.get()
    assert (paid.state, paid.credited, note.amount) == ("paid", 999, 999)
    assert balances() == {"cash": 1000, "revenue": -1000}
    assert_recorded(InvoiceCredited, invoice_id=paid.pk, credit_note_id=note.pk, refund_id="re_1", version=3)


def test_many_refunds_add_up_to_the_invoice_and_no_further(paid: Invoice) -> None:
    deliver(refund(paid, 999, total=999, refund_id="re_1"), consumer="billing")
    deliver(refund(paid, 1000, total=1999, refund_id="re_2"), consumer="billing")
    assert balances() == {}
    with pytest.raises(Exception, match="has 0 USD left"):
        deliver(refund(paid, 1, total=2000, refund_id="re_3"), consumer="billing")
    paid.refresh_from_db()
    assert paid.credited == 1999


def test_the_same_refund_under_two_ids_is_credited_once(paid: Invoice) -> None:
    for _ in range(2):
        deliver(refund(paid, 999, total=999), consumer="billing")
    assert CreditNote.objects.count() == 1
    assert_recorded(InvoiceCredited, times=1)


def test_a_refund_in_another_currency_is_not_credited(paid: Invoice) -> None:
    with pytest.raises(Exception, match="has 1999 USD left"):
        deliver(refund(paid, 999, total=999, currency="EUR"), consumer="billing")


def test_a_refund_before_its_capture_is_refused(log: None) -> None:
    unknown = Invoice(payment_id=uuid4())
    with pytest.raises(Exception, match="billing has not heard of its capture"):
        deliver(refund(unknown, 1, total=1), consumer="billing")


def test_a_dispute_is_noted_and_an_older_word_about_it_changes_nothing(paid: Invoice) -> None:
    for status, version in (("opened", 3), ("lost", 5), ("opened", 3), ("won", 4)):
        deliver(dispute(paid, status, version), consumer="billing")
    noted = Dispute.objects.get()
    assert (noted.invoice, noted.status, noted.version) == (paid, "lost", 5)
    assert balances() == {"cash": 1999, "revenue": -1999}
