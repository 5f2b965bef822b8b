"""A payment's life through the API and the real gateway: set aside, captured, cancelled, refunded; once each."""

from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test import Client

from outbox.models import OutboxEvent
from outbox.testing import assert_recorded
from payments.events import PaymentAuthorized, PaymentCancelled, PaymentCaptured, PaymentRefunded
from payments.gateway_calls import make_call
from payments.models import GatewayCall, Payment
from tests.api_client import client_of, post
from tests.gateway_process import GatewayProcess

pytestmark = pytest.mark.usefixtures("log")
PURCHASE = {"customer_id": "c-1", "reference": "order 1", "amount": 1999, "currency": "USD"}


def pay(gateway: GatewayProcess, **changes: Any) -> str:
    """The id of a payment whose gateway calls are made."""
    made = post("/payments", PURCHASE | changes)
    assert made.status_code == 201, made.content
    make_calls()
    return str(made.json()["id"])


def make_calls() -> None:
    for call in GatewayCall.objects.filter(state="pending"):
        make_call(call.pk)


def look(payment_id: str) -> dict[str, Any]:
    found: dict[str, Any] = client_of().get(f"/payments/{payment_id}").json()
    return found


def set_aside(gateway: GatewayProcess) -> str:
    payment_id = pay(gateway, capture="manual")
    assert look(payment_id)["status"] == "authorized"
    return payment_id


def test_money_that_is_set_aside_is_captured_later(gateway: GatewayProcess) -> None:
    payment_id = set_aside(gateway)
    assert gateway.totals()["amounts"] == {}
    assert post(f"/payments/{payment_id}/capture").status_code == 202
    make_calls()
    assert (look(payment_id)["status"], look(payment_id)["captured"]) == ("captured", 1999)
    assert gateway.totals()["amounts"] == {"usd": 1999}
    assert_recorded(PaymentAuthorized, amount=1999, version=2)
    assert_recorded(PaymentCaptured, amount=1999, version=3)


def test_a_part_is_captured_and_the_event_says_how_much(gateway: GatewayProcess) -> None:
    payment_id = set_aside(gateway)
    post(f"/payments/{payment_id}/capture", {"amount": 500})
    make_calls()
    assert_recorded(PaymentCaptured, amount=500)
    assert (look(payment_id)["captured"], gateway.totals()["amounts"]) == (500, {"usd": 500})


def test_money_that_is_set_aside_is_released(gateway: GatewayProcess) -> None:
    payment_id = set_aside(gateway)
    assert post(f"/payments/{payment_id}/cancel").status_code == 202
    make_calls()
    assert look(payment_id)["status"] == "cancelled"
    assert_recorded(PaymentCancelled, amount=1999, version=3)
    assert gateway.totals()["amounts"] == {}


def test_who_asked_to_capture_cannot_cancel_or_capture_again(gateway: GatewayProcess) -> None:
    payment_id = set_aside(gateway)
    post(f"/payments/{payment_id}/capture")
    for way in ("cancel", "capture"):
        refused = post(f"/payments/{payment_id}/{way}")
        assert (refused.status_code, "asked for already" in refused.json()["detail"]) == (409, True)
    assert GatewayCall.objects.filter(kind__in=["capture", "cancel"]).count() == 1


@pytest.mark.parametrize("way", ["capture", "cancel", "refund"])
def test_a_payment_that_is_not_there_or_not_ready_is_not_changed(way: str, gateway: GatewayProcess) -> None:
    assert post(f"/payments/00000000-0000-0000-0000-000000000000/{way}").status_code == 404
    declined = pay(gateway, payment_method="pm_card_visa_chargeDeclined")
    assert post(f"/payments/{declined}/{way}").status_code == 409
    assert GatewayCall.objects.count() == 1


def test_more_than_was_set_aside_cannot_be_captured(gateway: GatewayProcess) -> None:
    payment_id = set_aside(gateway)
    refused = post(f"/payments/{payment_id}/capture", {"amount": 2000})
    assert (refused.status_code, "2000" in refused.json()["detail"]) == (409, True)


def test_refunds_go_back_in_parts_until_nothing_is_left(gateway: GatewayProcess) -> None:
    payment_id = pay(gateway)
    for amount, status in ((500, "captured"), (1000, "captured"), (None, "refunded")):
        assert post(f"/payments/{payment_id}/refund", {"amount": amount} if amount else {}).status_code == 202
        make_calls()
        assert look(payment_id)["status"] == status
    assert look(payment_id)["refunded"] == 1999
    refunds = client_of().get(f"/payments/{payment_id}/refunds").json()
    assert [(each["amount"], each["status"]) for each in refunds] == [(n, "succeeded") for n in (499, 1000, 500)]
    assert_recorded(PaymentRefunded, amount=499, refunded=1999, version=5)
    kept = gateway.client.v1.charges.list().data[0]
    assert (kept.amount_captured, kept.amount_refunded) == (1999, 1999)


def test_what_was_asked_back_counts_before_the_gateway_has_answered(gateway: GatewayProcess) -> None:
    payment_id = pay(gateway)
    assert post(f"/payments/{payment_id}/refund", {"amount": 1500}).status_code == 202
    refused = post(f"/payments/{payment_id}/refund", {"amount": 500})
    assert (refused.status_code, "499 is left" in refused.json()["detail"]) == (409, True)


def test_a_refund_that_the_gateway_refuses_may_be_asked_for_again(gateway: GatewayProcess) -> None:
    payment_id = pay(gateway)
    charge = gateway.client.v1.charges.list().data[0]
    gateway.client.v1.refunds.create(params={"charge": charge.id})  # somebody at the gateway's own pages
    post(f"/payments/{payment_id}/refund")
    make_calls()
    assert client_of().get(f"/payments/{payment_id}/refunds").json()[0]["status"] == "failed"
    assert (look(payment_id)["refunded"], look(payment_id)["status"]) == (0, "captured")
    assert post(f"/payments/{payment_id}/refund").status_code == 202


def test_a_refund_that_the_bank_decides_later_is_asked_for_not_repeated(gateway: GatewayProcess) -> None:
    payment_id = pay(gateway, payment_method="pm_card_pendingRefund")
    post(f"/payments/{payment_id}/refund")
    make_calls()
    call = GatewayCall.objects.get(kind="refund")
    assert call.state == "unknown"
    gateway.http.post(f"/_refunds/{call.gateway_reference}", data={"outcome": "succeeded"}).raise_for_status()
    GatewayCall.objects.filter(kind="refund").update(state="pending")
    make_calls()
    assert look(payment_id)["status"] == "refunded"


def test_every_press_under_one_key_is_one_refund(gateway: GatewayProcess) -> None:
    payment_id = pay(gateway)
    first, second = (post(f"/payments/{payment_id}/refund", {"amount": 1}, key="one") for _ in range(2))
    assert (first.content, second["Idempotent-Replayed"]) == (second.content, "true")
    assert GatewayCall.objects.filter(kind="refund").count() == 1


@pytest.mark.parametrize("way", ["capture", "cancel", "refund"])
def test_every_unsafe_call_needs_a_key_and_the_scope(way: str) -> None:
    path, kind = f"/payments/00000000-0000-0000-0000-000000000000/{way}", "application/json"
    assert client_of().post(path, {}, content_type=kind).status_code == 400
    assert client_of(scopes=["payments:read"]).post(path, {}, content_type=kind).status_code == 403
    assert Client().get(path).status_code == 405


def test_a_free_purchase_that_is_to_be_captured_later_is_captured_at_once() -> None:
    made = post("/payments", PURCHASE | {"amount": 0, "capture": "manual"}).json()
    assert made["status"] == "captured"
    refused = post(f"/payments/{made['id']}/refund")
    assert (refused.status_code, "0 is left" in refused.json()["detail"]) == (409, True)


def test_the_database_itself_refuses_refunds_above_what_was_captured(gateway: GatewayProcess) -> None:
    pay(gateway)
    with pytest.raises(IntegrityError, match="payment_refunds_within_captured"):
        Payment.objects.update(refunds_asked=2000)


@pytest.mark.parametrize(
    "query",
    [
        {"customer_id": "c-7"},
        {"reference": "order 70"},
        {"status": "declined"},
        {},
        {"created_from": "2026-01-01T00:00:00Z"},
    ],
    ids=str,
)
def test_a_list_is_served_by_an_index_and_sorted_by_it(query: dict[str, str]) -> None:
    make_many(3_000)
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        assert client_of().get("/payments", query | {"limit": 10}).status_code == 200
    [asked] = [each["sql"] for each in queries if 'FROM "payments_payment"' in each["sql"]]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {asked}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Index Scan" in plan, plan
    assert "Sort" not in plan, plan
    assert "Seq Scan" not in plan, plan


def test_pages_follow_each_other_without_gap_or_repeat() -> None:
    make_many(25)
    client, seen, cursor = client_of(), [], ""
    while True:
        page = client.get("/payments", {"limit": 10} | ({"cursor": cursor} if cursor else {})).json()
        seen += [each["id"] for each in page["payments"]]
        if page["next_cursor"] is None:
            break
        cursor = page["next_cursor"]
    assert seen == sorted((str(each) for each in Payment.objects.values_list("id", flat=True)), reverse=True)


def test_a_list_ends_where_its_range_of_time_does() -> None:
    before, inside, after = (post("/payments", PURCHASE).json() for _ in range(3))
    query = {"created_from": inside["created_at"], "created_to": after["created_at"]}
    found = [each["id"] for each in client_of().get("/payments", query).json()["payments"]]
    assert inside["id"] in found
    assert {before["id"], after["id"]}.isdisjoint(found)


@pytest.mark.parametrize(
    "query", ["cursor=x", "status=lost", "limit=0", "limit=101", "created_from=noon", "customer_id="]
)
def test_a_filter_that_cannot_be_meant_is_422(query: str) -> None:
    assert client_of().get(f"/payments?{query}").status_code == 422


def make_many(count: int) -> None:
    """Payments of a hundred customers, straight into the table."""
    with connection.cursor() as cursor:
        cursor.execute(MANY, [count])
        cursor.execute("ANALYZE payments_payment")
    assert not OutboxEvent.objects.exists()


MANY = """
INSERT INTO payments_payment (id, customer_id, reference, amount, currency, payment_method, capture, status, captured,
    refunds_asked, refunded, decline_code, gateway_intent, version, ended_at, invoice_state, billing_cycle,
    invoice_event_id, attempt)
SELECT uuidv7(), 'c-' || n %% 100, 'order ' || n, 1999, 'USD', 'pm_card_visa', 'automatic',
    CASE WHEN n %% 50 = 0 THEN 'declined' ELSE 'captured' END, 0, 0, 0, 'lost_card', '', 2, now(), '', '', '', 1
FROM generate_series(1, %s) AS n
"""
