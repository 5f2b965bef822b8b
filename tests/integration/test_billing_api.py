"""Billing's API: customers, plans, subscriptions, invoices, statements; each key once, every refusal named."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from billing.models import Customer, Invoice, Plan, Subscription
from billing.renewing import renew_subscriptions
from inbox.testing import deliver, make_event
from tests.api_client import client_of
from tests.faults.renewal_points import JANUARY_31
from tests.integration.test_admin_at_size import MANY_ROWS
from tests.records import captured
from tests.subscriptions import make_subscription, payment_event, renewed_invoice

pytestmark = pytest.mark.usefixtures("log")
NOBODYS = UUID(int=7)  # in the names of tests, which must be the same in every process
PLAN = {"id": "basic", "name": "Basic", "amount": 990, "currency": "USD"}


@pytest.fixture
def shop(log: None, settings: Settings) -> Client:
    settings.ROOT_URLCONF = "services.urls.billing"
    return client_of()


def post(shop: Client, path: str, body: Any, *, key: str | None = None) -> Any:
    headers = {"Idempotency-Key": key or str(uuid4())}
    return shop.post(path, json.dumps(body), content_type="application/json", headers=headers)


def subscribe(shop: Client, **changes: object) -> Any:
    post(shop, "/customers", {"id": "c-1"})
    post(shop, "/plans", PLAN)
    wanted = {"customer_id": "c-1", "plan_id": "basic", "starts_on": "2027-01-31"}
    return post(shop, "/subscriptions", wanted | changes)


def test_a_customer_subscribes_is_invoiced_and_cancels(shop: Client) -> None:
    made = subscribe(shop)
    assert made.status_code == 201
    assert made.json()["next_cycle_on"] == "2027-01-31"
    renew_subscriptions(JANUARY_31)
    [invoice] = shop.get("/invoices", {"customer_id": "c-1"}).json()["invoices"]
    assert (invoice["state"], invoice["billing_cycle"], invoice["payment_id"]) == ("open", "2027-01-31", None)
    assert shop.get(f"/invoices/{invoice['id']}").json() == invoice
    cancelled = post(shop, f"/subscriptions/{made.json()['id']}/cancel", {}).json()
    assert (cancelled["state"], cancelled["cycles"]) == ("cancelled", 1)
    assert shop.get(f"/subscriptions/{cancelled['id']}").json() == cancelled


@pytest.mark.parametrize(
    ("path", "body"), [("/customers", {"id": "c-9", "name": "Ada"}), ("/plans", PLAN), ("/subscriptions", None)]
)
def test_the_second_press_gets_the_same_bytes_and_does_nothing(shop: Client, path: str, body: Any) -> None:
    subscribe(shop) if body is None else None
    wanted = body or {"customer_id": "c-1", "plan_id": "basic", "starts_on": "2027-01-31"}
    first = post(shop, path, wanted, key="once")
    counts = [model.objects.count() for model in (Customer, Plan, Subscription)]
    second = post(shop, path, wanted, key="once")
    assert (first.status_code, second.content) == (201, first.content)
    assert second["Idempotent-Replayed"] == "true"
    assert [model.objects.count() for model in (Customer, Plan, Subscription)] == counts
    other = post(shop, path, wanted | {"name": "Other"} if path != "/subscriptions" else {}, key="once")
    assert other.status_code == 422


def test_every_unsafe_call_needs_a_key(shop: Client) -> None:
    for path in ("/customers", "/plans", "/subscriptions", f"/subscriptions/{uuid4()}/cancel"):
        body = {"/customers": {"id": "c"}, "/plans": PLAN}.get(path, {"customer_id": "c", "plan_id": "p"})
        answer = shop.post(path, json.dumps({} if "cancel" in path else body), content_type="application/json")
        assert (answer.status_code, "Idempotency-Key" in answer.json()["detail"]) == (400, True), path


def test_a_customer_who_exists_since_the_first_purchase_can_be_described(shop: Client) -> None:
    data = captured(customer_id="c-7")
    deliver(make_event("payments.payment.captured.v1", data, key="p"), consumer="billing")
    assert shop.get("/customers/c-7").json()["name"] == ""
    assert post(shop, "/customers", {"id": "c-7", "name": "Ada", "email": "ada@example.com"}).json()["name"] == "Ada"
    assert shop.get("/customers/c-7").json()["email"] == "ada@example.com"


@pytest.mark.parametrize(
    ("path", "body", "status", "detail"),
    [
        ("/subscriptions", {"customer_id": "c-1", "plan_id": "none"}, 422, "no plan 'none'"),
        ("/subscriptions", {"customer_id": "nobody", "plan_id": "basic"}, 422, "no customer 'nobody'"),
        ("/subscriptions", {"customer_id": "c-1", "plan_id": "basic", "starts_on": "2027-02-30"}, 422, "date"),
        ("/subscriptions", {"customer_id": "c-1", "plan_id": "basic", "starts_on": "9999-01-01"}, 422, "2099"),
        ("/plans", PLAN, 409, "plan 'basic' already"),
        ("/plans", PLAN | {"id": "new", "amount": 9.9}, 422, "integer"),
        ("/plans", PLAN | {"id": "new", "amount": -1}, 422, "greater"),
        ("/plans", PLAN | {"id": "new", "currency": "usd"}, 422, "ISO 4217"),
        ("/customers", {"id": ""}, 422, "at least 1"),
        ("/customers", {"id": "c", "surprise": 1}, 422, "Extra"),
        (f"/subscriptions/{NOBODYS}/cancel", {}, 404, "no subscription"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(
    shop: Client, path: str, body: Any, status: int, detail: str
) -> None:
    subscribe(shop)
    answer = post(shop, path, body)
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert detail in answer.json()["detail"]
    assert (Subscription.objects.count(), Plan.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    "path", ["/customers/nobody", "/customers/nobody/statement", "/plans/none", f"/subscriptions/{NOBODYS}",
             f"/invoices/{NOBODYS}", f"/invoices/{NOBODYS}/credit-notes", "/customers/a%00b"]
)  # fmt: skip
def test_what_is_not_there_is_404(shop: Client, path: str) -> None:
    answer = shop.get(path)
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_a_second_cancel_is_409(shop: Client) -> None:
    made = subscribe(shop).json()
    assert [post(shop, f"/subscriptions/{made['id']}/cancel", {}).status_code for _ in range(2)] == [200, 409]


def test_pages_hold_every_invoice_once_newest_first(shop: Client) -> None:
    for _ in range(5):
        make_subscription("c-1")
    renew_subscriptions(JANUARY_31)
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = shop.get("/invoices?customer_id=c-1&limit=2" + (f"&cursor={cursor}" if cursor else "")).json()
        seen += [each["id"] for each in page["invoices"]]
        cursor = page["next_cursor"]
    assert seen == [str(each) for each in Invoice.objects.order_by("-pk").values_list("pk", flat=True)]


@pytest.mark.parametrize("name", ["customer_id", "payment_id", "subscription_id", "reference", "state"])
def test_a_filter_finds_its_invoices_and_no_other(shop: Client, name: str) -> None:
    wanted, other = renewed_invoice(amount=1), renewed_invoice(amount=2)
    deliver(payment_event("captured", wanted), consumer="billing")
    deliver(payment_event("declined", other), consumer="billing")
    wanted.refresh_from_db()
    found = shop.get("/invoices", {name: str(getattr(wanted, name))}).json()["invoices"]
    assert [each["id"] for each in found] == [str(wanted.pk)]


def test_a_statement_adds_up(shop: Client) -> None:
    for amount, happened in ((100, "captured"), (200, None), (400, "given up")):
        make_subscription("c-1", amount=amount)
        renew_subscriptions(JANUARY_31)
        invoice = Invoice.objects.get(amount=amount)
        if happened == "captured":
            deliver(payment_event("captured", invoice), consumer="billing")
        if happened == "given up":
            deliver(payment_event("declined", invoice, attempt=3), consumer="billing")
    assert shop.get("/customers/c-1/statement").json()["currencies"] == [
        {"currency": "USD", "invoices": 3, "invoiced": 700, "paid": 100, "credited": 0, "owed": 200, "lost": 400}
    ]


def test_every_operation_asks_for_a_scope(shop: Client) -> None:
    reader = client_of("reader", scopes=["billing:read"])
    assert post(reader, "/plans", PLAN).status_code == 403
    assert client_of("other", scopes=["payments:read"]).get("/customers/c-1").status_code == 403
    assert Client().get("/invoices").status_code == 401


def test_lists_read_no_table_from_end_to_end(shop: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute(MANY_ROWS)
    for query in ({"customer_id": "customer-77"}, {"reference": "reference-77"}, {"state": "paid"}, {}):
        with CaptureQueriesContext(connection) as queries:
            assert shop.get("/invoices", query).status_code == 200
        [statement] = [each["sql"] for each in queries if 'FROM "billing_invoice"' in each["sql"]]
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {statement}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert "Seq Scan" not in plan, (query, plan)
