"""A call whose answer was lost is settled by a webhook as by the reconciler: by the object's newest state, once."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from celery.signals import after_task_publish
from django.db import transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

from outbox.models import OutboxEvent
from payments.gateway_calls import make_call
from payments.looking import look_at, take_due_looks
from payments.models import GatewayCall, GatewayLook, Payment, Refund
from payments.operations import ask_to_end
from payments.refunding import request_refund
from tests.gateway_process import GatewayProcess
from tests.purchases import initiate
from tests.webhook_client import events_about, look, lose_answer, send, tell

pytestmark = pytest.mark.usefixtures("log")


@pytest.fixture
def gateway(listened_gateway: GatewayProcess) -> GatewayProcess:
    return listened_gateway


@pytest.fixture
def nudged() -> Iterator[list[str]]:
    """The objects that a worker was told to look at."""
    told: list[str] = []

    def note(sender: str, body: Any, **_: Any) -> None:
        if sender == "payments.look_at_object":
            told.append(body[0][0])

    after_task_publish.connect(note)
    yield told
    after_task_publish.disconnect(note)


def pay(method: str = "pm_card_visa", *, capture: str = "automatic") -> Payment:
    """A payment whose first call is answered."""
    payment = initiate(payment_method=method, capture=capture)
    make_call(payment.gateway_calls.get().pk)
    payment.refresh_from_db()
    return payment


def count_attempts(gateway: GatewayProcess) -> int:
    """How many POSTs the gateway has answered, replays included."""
    totals = gateway.totals()
    return int(totals["keys"]) + int(totals["replays"])


def charge() -> GatewayCall:
    return initiate().gateway_calls.get()


def authorize() -> GatewayCall:
    return initiate(capture="manual").gateway_calls.get()


def capture() -> GatewayCall:
    return ask_to_end(pay(capture="manual").pk, GatewayCall.Kind.CAPTURE).gateway_calls.get(kind="capture")


def cancel() -> GatewayCall:
    return ask_to_end(pay(capture="manual").pk, GatewayCall.Kind.CANCEL).gateway_calls.get(kind="cancel")


def give_back() -> GatewayCall:
    return request_refund(pay().pk, amount=None, reason="broken").gateway_call


@pytest.mark.parametrize(
    ("ask", "kind", "status"),
    [
        (charge, "payment_intent.succeeded", "captured"),
        (authorize, "payment_intent.amount_capturable_updated", "authorized"),
        (capture, "payment_intent.succeeded", "captured"),
        (cancel, "payment_intent.canceled", "cancelled"),
        (give_back, "refund.created", "refunded"),
    ],
    ids=lambda each: getattr(each, "__name__", str(each)),
)
def test_a_lost_answer_is_settled_by_a_webhook_without_another_attempt(
    gateway: GatewayProcess, ask: Callable[[], GatewayCall], kind: str, status: str
) -> None:
    call = lose_answer(gateway, ask())
    attempts = count_attempts(gateway)
    tell(gateway, str(call.payment_id), kind)
    call.refresh_from_db()
    assert (call.state, Payment.objects.get().status) == ("confirmed", status)
    assert count_attempts(gateway) == attempts
    events = OutboxEvent.objects.count()
    assert make_call(call.pk) is None, "and the reconciler finds it settled"
    assert OutboxEvent.objects.count() == events


def test_a_declined_card_is_learnt_by_webhook(gateway: GatewayProcess) -> None:
    call = initiate(payment_method="pm_card_visa_chargeDeclinedLostCard").gateway_calls.get()
    lose_answer(gateway, call)
    tell(gateway, str(call.payment_id), "payment_intent.payment_failed")
    assert (Payment.objects.get().status, Payment.objects.get().decline_code) == ("declined", "lost_card")


def test_a_call_in_flight_is_left_to_its_worker_and_settled_when_that_is_dead(
    gateway: GatewayProcess, nudged: list[str]
) -> None:
    call = lose_answer(gateway, charge())
    GatewayCall.objects.update(state="in_flight", due_at=timezone.now() + timedelta(minutes=5))
    [body] = events_about(gateway, str(call.payment_id))
    send(body)
    assert nudged == [], "the worker may be about to write the answer"
    assert take_due_looks(limit=10) == []
    GatewayLook.objects.update(due_at=timezone.now())
    look_at(*take_due_looks(limit=10))
    assert Payment.objects.get().status == "captured"


def test_when_the_worker_was_quicker_nobody_asks_the_gateway(
    gateway: GatewayProcess, settings: Settings, nudged: list[str]
) -> None:
    call = lose_answer(gateway, charge())
    [body] = events_about(gateway, str(call.payment_id))
    send(body)
    assert nudged == [GatewayLook.objects.get().pk]
    GatewayCall.objects.update(due_at=timezone.now())
    make_call(call.pk)
    settings.PAYMENTS = settings.PAYMENTS | {"GATEWAY_URL": "http://127.0.0.1:9"}
    assert look() == [True]


def test_a_webhook_of_a_settled_call_costs_no_look(gateway: GatewayProcess) -> None:
    payment = pay()
    [body] = events_about(gateway, str(payment.pk))
    assert send(body).json() == {"outcome": "applied"}
    assert not GatewayLook.objects.exists()


@pytest.mark.parametrize("outcome", ["succeeded", "failed"])
def test_what_the_customer_or_the_bank_does_later_is_learnt_by_webhook_or_without_one(
    gateway: GatewayProcess, outcome: str
) -> None:
    """Under its key the gateway would say for ever what it said first: requires_action."""
    told, never_told = (pay("pm_card_authenticationRequired").gateway_calls.get() for _ in range(2))
    for call in (told, never_told):
        assert (call.state, call.gateway_reference[:3]) == ("unknown", "pi_")
        gateway.http.post(f"/_payment_intents/{call.gateway_reference}", data={"outcome": outcome}).raise_for_status()
    tell(gateway, told.gateway_reference, "payment_intent.succeeded", "payment_intent.payment_failed")
    GatewayCall.objects.update(due_at=timezone.now())
    make_call(never_told.pk)
    assert {payment.status for payment in Payment.objects.all()} == {
        "captured" if outcome == "succeeded" else "declined"
    }


@pytest.mark.parametrize(("outcome", "status"), [("succeeded", "refunded"), ("failed", "captured")])
def test_a_refund_that_the_bank_decides_is_settled_when_the_webhook_comes(
    gateway: GatewayProcess, outcome: str, status: str
) -> None:
    payment = pay("pm_card_pendingRefund")
    call = request_refund(payment.pk, amount=None, reason="broken").gateway_call
    make_call(call.pk)
    call.refresh_from_db()
    gateway.http.post(f"/_refunds/{call.gateway_reference}", data={"outcome": outcome}).raise_for_status()
    tell(gateway, call.gateway_reference, "refund.created", "refund.updated", "refund.failed")
    assert (Refund.objects.get().status, Payment.objects.get().status) == (outcome, status)


def test_an_intent_that_was_canceled_at_the_gateway_is_no_money(gateway: GatewayProcess) -> None:
    call = pay("pm_card_authenticationRequired").gateway_calls.get()
    gateway.client.v1.payment_intents.cancel(call.gateway_reference)
    tell(gateway, call.gateway_reference, "payment_intent.canceled")
    assert (Payment.objects.get().status, Payment.objects.get().decline_code) == ("declined", "canceled")


def test_a_call_that_is_held_for_a_person_is_settled_when_a_webhook_comes_after_all(gateway: GatewayProcess) -> None:
    call = lose_answer(gateway, charge())
    GatewayCall.objects.update(state="held")
    tell(gateway, str(call.payment_id))
    assert Payment.objects.get().status == "captured"


def test_webhooks_in_the_wrong_order_twice_and_late_end_in_the_newest_state(gateway: GatewayProcess) -> None:
    call = lose_answer(gateway, authorize())
    intent = gateway.client.v1.payment_intents.list({"limit": 1}).data[0]
    gateway.client.v1.payment_intents.capture(intent.id)  # somebody at the gateway's own pages
    authorized, captured = events_about(gateway, intent.id)
    for body in (captured, authorized, captured):
        send(body)
        look()
    call.refresh_from_db()
    assert (call.state, Payment.objects.get().status) == ("confirmed", "authorized"), "no capture was asked for"


def test_a_gateway_that_is_away_is_asked_again_and_says_why(gateway: GatewayProcess, settings: Settings) -> None:
    call = lose_answer(gateway, charge())
    [body] = events_about(gateway, str(call.payment_id))
    send(body)
    settings.PAYMENTS = settings.PAYMENTS | {"GATEWAY_URL": "http://127.0.0.1:9"}
    assert look() == [False]
    wanted = GatewayLook.objects.get()
    assert (wanted.attempts, "APIConnectionError" in wanted.problem, wanted.looked) == (1, True, 0)
    settings.PAYMENTS = settings.PAYMENTS | {"GATEWAY_URL": gateway.url}
    assert look() == [True]
    assert Payment.objects.get().status == "captured"


def test_an_object_that_the_gateway_does_not_have_is_not_asked_for_again(gateway: GatewayProcess) -> None:
    GatewayLook.objects.create(object_id="du_nowhere", kind="dispute", told=1, due_at=timezone.now())
    assert look() == [True]
    assert "No such dispute" in GatewayLook.objects.get().problem


def test_the_network_is_not_touched_inside_a_transaction() -> None:
    with transaction.atomic(), pytest.raises(RuntimeError, match="never touched inside a transaction"):
        look_at("pi_1")
