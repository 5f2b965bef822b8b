"""What billing shows to a reconciliation: pages in the order of payments, bookings, late money, arrived events."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from billing.models import Invoice, LatePayment
from inbox.testing import deliver, make_event
from tests.api_client import client_of
from tests.integration.test_admin_at_size import MANY_ROWS
from tests.records import captured

pytestmark = pytest.mark.usefixtures("log")
ALL = {"payment_from": str(UUID(int=0)), "payment_to": str(UUID(int=2**128 - 1))}


@pytest.fixture
def books(log: None, settings: Settings) -> Client:
    settings.ROOT_URLCONF, settings.INBOX = "services.urls.billing", settings.INBOX | {"CONSUMER": "billing"}
    return client_of("reconciliation", scopes=["billing:read"])


def capture(payment_id: UUID) -> None:
    deliver(make_event("payments.payment.captured.v1", captured(payment_id=payment_id), key="p"), consumer="billing")


def test_pages_follow_the_payments_ids_between_two_of_them(books: Client) -> None:
    ids = sorted(uuid4() for _ in range(6))
    for payment_id in ids[::-1]:
        capture(payment_id)
    seen: list[str] = []
    wanted: dict[str, Any] = {"payment_from": str(ids[1]), "payment_to": str(ids[5]), "limit": 3}
    while wanted.get("cursor", "") is not None:
        page = books.get("/booked-invoices", wanted).json()
        seen += [each["payment_id"] for each in page["invoices"]]
        wanted["cursor"] = page["next_cursor"]
    assert seen == [str(each) for each in ids[1:5]]


def test_an_invoice_shows_what_is_booked_for_it_and_what_is_kept_of_late_money(books: Client) -> None:
    payment_id = uuid4()
    capture(payment_id)
    invoice = Invoice.objects.get()
    late = LatePayment.objects.create(payment_id=uuid4(), invoice=invoice, amount=1999, currency="USD", refunded=500)
    [shown] = books.get("/booked-invoices", ALL).json()["invoices"]
    assert shown["booked"] == {"cash": 1999, "revenue": -1999, "receivable": 0}
    assert (shown["id"], shown["state"], shown["credit_notes"], shown["kept"]) == (str(invoice.pk), "paid", [], 1499)
    [shown] = books.get("/late-payments", ALL).json()["payments"]
    assert shown["payment_id"] == str(late.pk)
    assert (shown["invoice_id"], shown["amount"], shown["refunded"]) == (str(invoice.pk), 1999, 500)


def test_an_event_that_arrived_is_told_with_its_place(books: Client) -> None:
    event = make_event("payments.payment.captured.v1", captured(), key="p")
    deliver(event, consumer="billing")
    found = books.get("/received-events", {"source": event.source, "event_id": [event.id, "another"]}).json()
    assert [(each["event_id"], each["partition"], each["parked"]) for each in found] == [(event.id, 0, "")]
    assert books.get("/received-events", {"source": "/elsewhere", "event_id": event.id}).json() == []


@pytest.mark.parametrize("path", ["/booked-invoices", "/late-payments", "/received-events"])
def test_who_lacks_the_scope_or_the_range_is_refused(books: Client, path: str) -> None:
    assert books.get(path).status_code == 422
    assert client_of("other", scopes=["billing:write"]).get(path, ALL).status_code == 403
    assert Client().get(path, ALL).status_code == 401


def test_a_page_of_many_invoices_reads_no_table_from_end_to_end(books: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute(MANY_ROWS)
    with CaptureQueriesContext(connection) as queries:
        assert books.get("/booked-invoices", ALL).status_code == 200
    statements = [each["sql"] for each in queries if 'FROM "billing_' in each["sql"]]
    assert len(statements) == 4, "a page is four statements, whatever it holds"
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {statements[0]}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Seq Scan" not in plan, plan
