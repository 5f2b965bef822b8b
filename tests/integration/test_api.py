"""POST /payments: the second press, and everything that must be refused with nothing written."""

import json
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from idempotency.models import IdempotencyKey
from outbox.models import OutboxEvent
from payments.models import GatewayCall, Payment
from tests.api_client import client_of

pytestmark = pytest.mark.usefixtures("log")
PURCHASE = {"customer_id": "c-1", "reference": "order 1", "amount": 1999, "currency": "USD"}


def press(body: Any = PURCHASE, key: str | None = "key-1") -> Any:
    headers = {} if key is None else {"Idempotency-Key": key}
    data = body if isinstance(body, str | bytes) else json.dumps(body)
    return client_of().post("/payments", data=data, content_type="application/json", headers=headers)


def assert_problem(response: Any, status: int, detail: str) -> None:
    """RFC 9457, and nothing written."""
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert detail in problem["detail"]
    for model in (Payment, GatewayCall, IdempotencyKey, OutboxEvent):
        assert not model._default_manager.exists()


def test_the_second_press_gets_the_same_bytes_and_does_nothing() -> None:
    first, second = press(), press()
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert second["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    assert (Payment.objects.count(), GatewayCall.objects.count(), OutboxEvent.objects.count()) == (1, 1, 1)


def test_key_and_event_cost_a_payment_three_statements() -> None:
    with CaptureQueriesContext(connection) as sent:
        press()
    statements = [re.sub(r'["\s]+', " ", statement["sql"]).strip() for statement in sent.captured_queries]
    assert [statement.split("(")[0].strip() for statement in statements[-7:]] == [
        "BEGIN", "SELECT pg_try_advisory_xact_lock", "INSERT INTO payments_payment", "INSERT INTO outbox_event",
        "INSERT INTO payments_gatewaycall", "INSERT INTO idempotency_key", "COMMIT",
    ]  # fmt: skip


def test_two_purchases_that_are_alike_in_everything_but_their_key_are_two_payments() -> None:
    assert press(key="one").json()["id"] != press(key="two").json()["id"]
    assert Payment.objects.count() == 2


def test_the_payment_can_be_looked_at() -> None:
    made = press().json()
    assert client_of().get(f"/payments/{made['id']}").json() == made


def test_a_payment_that_is_not_there_is_404() -> None:
    response = client_of().get("/payments/00000000-0000-0000-0000-000000000000")
    assert_problem(response, 404, "00000000")


def test_another_body_under_the_same_key_is_422_and_changes_nothing() -> None:
    press()
    response = press(PURCHASE | {"amount": 2000})
    assert response.status_code == 422
    assert "key-1" in response.json()["detail"]
    assert Payment.objects.get().amount == 1999


def test_a_request_that_still_runs_is_409() -> None:
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", ["shop\x1fkey-1"])
        assert_problem(press(), 409, "still runs")
    other.close()
    assert press().status_code == 201


@pytest.mark.parametrize("key", [None, "", "x" * 256, "tab\tinside"])
def test_a_missing_or_malformed_key_is_400(key: str | None) -> None:
    assert_problem(press(key=key), 400, "Idempotency-Key")


@pytest.mark.parametrize("body", ["{", "", "[]", "null", b"\xff\xfe"])
def test_a_body_that_is_not_a_purchase_is_refused(body: str | bytes) -> None:
    response = press(body)
    assert_problem(response, 422 if body in ("[]", "null") else 400, "")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount", -1),
        ("amount", 19.99),
        ("amount", 19.0),
        ("amount", "1999"),
        ("amount", True),
        ("amount", 10**8),
        ("amount", None),
        ("currency", "XXX"),
        ("currency", "usd"),
        ("currency", ""),
        ("customer_id", ""),
        ("customer_id", "a\x00b"),
        ("reference", "x" * 101),
        ("surprise", 1),
    ],
)
def test_a_value_that_cannot_be_meant_is_422_and_named(field: str, value: object) -> None:
    response = press(PURCHASE | {field: value})
    assert_problem(response, 422, "")
    assert response.json()["errors"][0]["pointer"] == f"/{field}"


def test_a_body_over_the_limit_is_413() -> None:
    assert_problem(press(PURCHASE | {"reference": "x" * 70_000}), 413, "")


def test_a_free_purchase_is_captured_at_once_without_a_gateway_call() -> None:
    assert press(PURCHASE | {"amount": 0}).json()["status"] == "captured"
    assert not GatewayCall.objects.exists()


def test_health_is_green_when_the_database_answers() -> None:
    assert Client().get("/health").json()["status"] == "green"
