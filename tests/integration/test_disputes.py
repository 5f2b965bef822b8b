"""Disputes: whatever order their webhooks come in, how often or never, the same two events and the same state."""

from typing import Any

import pytest

from billing.models import Dispute as NotedDispute
from inbox.testing import drain_inbox
from outbox.models import OutboxEvent
from outbox.testing import MemoryPublisher, drain_outbox
from payments.disputing import NOT_OURS, ask_for_missed_disputes, note_dispute
from payments.gateway_calls import make_call
from payments.models import Dispute, GatewayLook, Payment
from tests.api_client import client_of
from tests.gateway_process import GatewayProcess
from tests.purchases import capture, initiate
from tests.webhook_client import events_about, look, lose_answer, send, tell

pytestmark = pytest.mark.usefixtures("log")
DISPUTED = "payments.payment.disputed.v1"
#: How the webhook of the opening, 0, and that of the closing, 1, may come.
ORDERS = [(0, 1), (1, 0), (0, 0, 1, 1), (1, 0, 1, 0), (1, 1), (0,)]
Status = Payment.DisputeStatus


@pytest.fixture
def gateway(listened_gateway: GatewayProcess) -> GatewayProcess:
    return listened_gateway


def disputed() -> Payment:
    """A payment whose money the bank takes back as soon as it is taken."""
    payment = initiate(payment_method="pm_card_createDispute")
    make_call(payment.gateway_calls.get().pk)
    payment.refresh_from_db()
    return payment


def dispute_id(gateway: GatewayProcess, payment: Payment) -> str:
    return gateway.client.v1.disputes.list({"payment_intent": payment.gateway_intent}).data[0].id


def decide(gateway: GatewayProcess, payment: Payment, outcome: str) -> None:
    answer = gateway.http.post(f"/_disputes/{dispute_id(gateway, payment)}", data={"outcome": outcome})
    answer.raise_for_status()


def announced() -> list[tuple[str, int]]:
    """What was recorded of disputes: status and the payment's version."""
    from json import loads

    told = OutboxEvent.objects.filter(event_type=DISPUTED).order_by("position").values_list("data", flat=True)
    return [(loads(each)["status"], loads(each)["version"]) for each in told]


@pytest.mark.parametrize("outcome", ["won", "lost"])
def test_a_dispute_is_noted_on_the_payment_announced_and_its_outcome_too(gateway: GatewayProcess, outcome: str) -> None:
    payment = disputed()
    tell(gateway, payment.gateway_intent, "charge.dispute.created")
    assert client_of().get(f"/payments/{payment.pk}").json()["dispute"] == "opened"
    decide(gateway, payment, outcome)
    tell(gateway, payment.gateway_intent, "charge.dispute.closed")
    payment.refresh_from_db()
    assert (payment.status, payment.dispute, Dispute.objects.get().status) == ("captured", outcome, outcome)
    assert announced() == [("opened", 3), (outcome, 4)]


@pytest.mark.parametrize("looks", ["after each", "at the end"])
def test_in_any_order_and_twice_webhooks_of_a_dispute_end_in_the_same_state_and_events(
    gateway: GatewayProcess, looks: str
) -> None:
    for order in ORDERS:
        payment = disputed()
        decide(gateway, payment, "lost")
        bodies = events_about(gateway, payment.gateway_intent, "charge.dispute.created", "charge.dispute.closed")
        for index in order:
            send(bodies[index])
            if looks == "after each":
                look()
        look()
        payment.refresh_from_db()
        assert (payment.dispute, payment.version) == ("lost", 4), order
        assert announced()[-2:] == [("opened", 3), ("lost", 4)], order


def test_an_older_word_than_the_one_that_is_known_changes_nothing() -> None:
    payment = capture()
    said: dict[str, Any] = {"dispute_id": "du_1", "amount": 1999, "currency": "USD", "reason": "fraudulent"}
    for newest in (Status.LOST, Status.OPENED, Status.WON, Status.LOST):
        note_dispute(payment.pk, **said, newest=newest)
    payment.refresh_from_db()
    assert (payment.dispute, announced()) == ("lost", [("opened", 3), ("lost", 4)])


def test_a_dispute_is_not_announced_before_the_capture_that_it_is_about(gateway: GatewayProcess) -> None:
    call = lose_answer(gateway, initiate(payment_method="pm_card_createDispute").gateway_calls.get())
    intent = gateway.client.v1.payment_intents.list({"limit": 1}).data[0]
    [dispute] = events_about(gateway, intent.id, "charge.dispute.created")
    send(dispute)
    assert look() == [False]
    assert "not captured yet" in GatewayLook.objects.get().problem
    tell(gateway, str(call.payment_id), "payment_intent.succeeded")
    look()
    types = list(OutboxEvent.objects.order_by("position").values_list("event_type", flat=True))
    assert types == [f"payments.payment.{each}.v1" for each in ("initiated", "captured", "disputed")]


def test_what_no_webhook_told_of_is_found_in_the_gateways_list(gateway: GatewayProcess) -> None:
    payment = disputed()
    for status in ("opened", "won"):
        assert dispute_id(gateway, payment) in missed(), status
        look()
        payment.refresh_from_db()
        assert payment.dispute == status
        assert dispute_id(gateway, payment) not in missed()
        if status == "opened":
            decide(gateway, payment, "won")
    assert announced() == [("opened", 3), ("won", 4)]


def test_a_dispute_that_is_none_of_ours_is_looked_at_once(gateway: GatewayProcess) -> None:
    paid = gateway.make(confirm=True, payment_method="pm_card_createDispute")
    [body] = events_about(gateway, paid.id, "charge.dispute.created")
    send(body)
    assert look() == [True]
    looked_at = GatewayLook.objects.get()
    assert looked_at.problem == NOT_OURS
    assert looked_at.pk not in missed()
    assert not OutboxEvent.objects.exists()


def test_billing_notes_the_dispute_on_its_invoice_and_books_nothing(gateway: GatewayProcess) -> None:
    payment = disputed()
    decide(gateway, payment, "lost")
    tell(gateway, payment.gateway_intent, "charge.dispute.created", "charge.dispute.closed")
    broker = MemoryPublisher(topics={"payments.payment": 6, "billing.invoice": 6})
    drain_outbox(broker)
    drain_inbox(broker.log, consumer="billing")
    noted = NotedDispute.objects.get()
    assert (noted.status, noted.amount, noted.invoice.payment_id) == ("lost", 1999, payment.pk)
    assert noted.invoice.state == "paid"


def test_a_refund_of_a_disputed_payment_is_refused_by_the_gateway_and_the_money_stays_where_it_is(
    gateway: GatewayProcess,
) -> None:
    from payments.refunding import request_refund

    payment = disputed()
    call = request_refund(payment.pk, amount=None, reason="broken").gateway_call
    make_call(call.pk)
    call.refresh_from_db()
    payment.refresh_from_db()
    assert (call.state, call.gateway_reference, payment.refunded) == ("refused", "charge_disputed", 0)


def missed() -> list[str]:
    """The disputes that the sweep asks for; those of other tests at the same gateway are not forgotten either."""
    before = dict(GatewayLook.objects.values_list("pk", "told"))
    ask_for_missed_disputes()
    after = dict(GatewayLook.objects.values_list("pk", "told"))
    return [name for name, told in after.items() if told != before.get(name, 0)]
