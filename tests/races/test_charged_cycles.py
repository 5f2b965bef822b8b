"""Two events for one billing cycle at the same moment, as two consumers may have them in the middle of a rebalance."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.db import connection, transaction

from payments.invoicing import InvoicedCycle, charge_invoice
from payments.models import GatewayCall, Payment
from tests.conditions import wait_until


def charge(number: int) -> Payment | None:
    """Charge an invoice of its own for the same customer and cycle."""
    invoice = InvoicedCycle(
        invoice_id=uuid4(), customer_id="c-1", billing_cycle="2027-01-31", reference="January", amount=990,
        currency="USD", payment_method="pm_card_visa",
    )  # fmt: skip
    return charge_invoice(invoice, event_id=f"event {number}")


def charge_elsewhere(number: int) -> Payment | None:
    try:
        return charge(number)
    finally:
        connection.close()


def someone_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


@pytest.mark.usefixtures("log")
def test_two_invoices_of_a_cycle_at_the_same_moment_are_one_payment() -> None:
    with ThreadPoolExecutor(1) as rival:
        with transaction.atomic():
            assert charge(1) is not None
            second = rival.submit(charge_elsewhere, 2)
            wait_until(lambda: someone_waits() or second.done(), what="the second one is at the same place")
        assert second.result(20) is None
    assert (Payment.objects.count(), GatewayCall.objects.count()) == (1, 1)
