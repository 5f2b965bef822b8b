"""Each handler of both services, received, crashed, received and received again: one effect, nothing outside."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from pytest_django.fixtures import Settings

from billing.events import InvoiceIssued, InvoicePaid, InvoiceVoided
from billing.models import Invoice, LedgerEntry
from inbox.testing import assert_idempotent, make_event
from outbox.testing import assert_recorded, refute_recorded
from payments.events import PaymentCaptured
from payments.models import Payment
from payments.tasks import call_gateway
from tests.gateway_process import GatewayProcess
from tests.purchases import capture, initiate
from tests.records import captured

pytestmark = pytest.mark.usefixtures("log")
ReceivedOnce = Callable[..., None]


def test_billing_settles_the_invoice_of_a_captured_payment_once(assert_received_once: ReceivedOnce) -> None:
    data = captured(amount=1999)
    assert_received_once(make_event("payments.payment.captured.v1", data, key="p"), consumer="billing")
    invoice = Invoice.objects.get(payment_id=data["payment_id"], state="paid")
    assert LedgerEntry.objects.filter(invoice=invoice).count() == 4
    assert_recorded(InvoiceIssued, invoice_id=invoice.pk)
    assert_recorded(InvoicePaid, invoice_id=invoice.pk, amount=1999)


def test_billing_voids_the_invoice_of_a_declined_payment_once(assert_received_once: ReceivedOnce) -> None:
    data = captured(decline_code="lost_card")
    assert_received_once(make_event("payments.payment.declined.v1", data, key="p"), consumer="billing")
    invoice = Invoice.objects.get(payment_id=data["payment_id"], state="void")
    assert_recorded(InvoiceVoided, invoice_id=invoice.pk, reason="lost_card")
    refute_recorded(InvoicePaid)


def test_billing_voids_the_invoice_of_a_cancelled_payment_once(assert_received_once: ReceivedOnce) -> None:
    data = captured()
    assert_received_once(make_event("payments.payment.cancelled.v1", data, key="p"), consumer="billing")
    invoice = Invoice.objects.get(payment_id=data["payment_id"], state="void")
    assert_recorded(InvoiceVoided, invoice_id=invoice.pk, reason="cancelled")
    assert not LedgerEntry.objects.exists()


@pytest.mark.parametrize(("happened", "state"), [("paid", "paid"), ("voided", "void")])
def test_payments_notes_its_invoice_once(happened: str, state: str, assert_received_once: ReceivedOnce) -> None:
    payment, invoice_id = capture(), uuid4()
    data = {"invoice_id": invoice_id, "payment_id": payment.pk}
    assert_received_once(make_event(f"billing.invoice.{happened}.v1", data, key=str(invoice_id)), consumer="payments")
    payment.refresh_from_db()
    assert (payment.invoice_id, payment.invoice_state) == (UUID(str(invoice_id)), state)


def test_the_task_that_calls_the_gateway_is_idempotent(tmp_path: Path, settings: Settings) -> None:
    gateway = GatewayProcess(tmp_path)
    gateway.start()
    settings.PAYMENTS = settings.PAYMENTS | {"GATEWAY_URL": gateway.url}
    call = initiate().gateway_calls.get()
    assert assert_idempotent(call_gateway, call.pk, observe=lambda: gateway.totals()["charges"]) == "confirmed"
    gateway.stop()
    assert_recorded(PaymentCaptured, amount=1999)
    assert Payment.objects.get().status == "captured"
