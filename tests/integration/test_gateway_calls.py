"""Our side of the gateway: one call, one charge, and nothing is taken for money that is none."""

from datetime import timedelta

import pytest
from celery.signals import before_task_publish
from django.db import transaction
from django.utils import timezone

from outbox.models import OutboxEvent
from payments.gateway_calls import make_call, take_due_calls
from payments.models import GatewayCall, Payment
from payments.operations import initiate_payment
from payments.tasks import sweep_gateway_calls
from tests.gateway_process import GatewayProcess

pytestmark = pytest.mark.usefixtures("log")


def pay_with(method: str = "pm_card_visa", number: int = 0) -> GatewayCall:
    payment = initiate_payment(
        customer_id="c", reference=f"purchase-{number}", amount=1999, currency="USD", payment_method=method
    )
    return payment.gateway_calls.get()


def test_a_declined_card_takes_the_other_way(gateway: GatewayProcess) -> None:
    call = pay_with("pm_card_visa_chargeDeclinedLostCard")
    make_call(call.pk)
    payment = Payment.objects.get()
    assert (payment.status, payment.decline_code) == ("declined", "lost_card")
    assert OutboxEvent.objects.latest("position").event_type == "payments.payment.declined.v1"
    assert gateway.totals()["charges"] == 0


def test_an_answer_without_money_is_not_taken_for_a_capture(gateway: GatewayProcess) -> None:
    call = pay_with("pm_card_authenticationRequired")
    make_call(call.pk)
    call.refresh_from_db()
    assert (call.state, Payment.objects.get().status) == ("unknown", "initiated")
    assert "requires_action" in call.problem


def test_a_charge_without_an_answer_is_unknown_and_found_under_its_key(gateway: GatewayProcess) -> None:
    call = pay_with()
    gateway.http.put("/_faults", json={"timeout_after_commit": 1}).raise_for_status()
    make_call(call.pk)
    call.refresh_from_db()
    assert (call.state, gateway.totals()["charges"]) == ("unknown", 1)
    GatewayCall.objects.update(due_at=timezone.now())
    make_call(call.pk)
    assert Payment.objects.get().status == "captured"
    assert (gateway.totals()["charges"], gateway.totals()["replays"]) == (1, 1)


def test_a_call_that_another_worker_has_is_left_alone(gateway: GatewayProcess) -> None:
    call = pay_with()
    GatewayCall.objects.update(state="in_flight", due_at=timezone.now() + timedelta(seconds=10))
    assert make_call(call.pk) is None
    assert gateway.totals()["charges"] == 0


def test_the_network_is_not_touched_inside_a_transaction() -> None:
    call = pay_with()
    with transaction.atomic(), pytest.raises(RuntimeError, match="never touched inside a transaction"):
        make_call(call.pk)


@pytest.mark.parametrize("state", ["pending", "in_flight", "unknown"])
def test_a_sweep_returns_no_call_twice_and_so_reaches_all_of_them(state: str) -> None:
    calls = [pay_with(number=number).pk for number in range(5)]
    GatewayCall.objects.update(state=state, due_at=timezone.now())
    swept = [take_due_calls(limit=2) for _ in range(4)]
    assert sorted(call for sweep in swept for call in sweep) == calls
    assert swept[3] == []


def test_a_sweep_makes_a_page_of_calls_and_tells_another_worker_that_there_may_be_more(gateway: GatewayProcess) -> None:
    for number in range(21):
        pay_with(number=number)
    GatewayCall.objects.update(due_at=timezone.now())
    told: list[str] = []

    def hear(*, sender: str, **_: object) -> None:
        told.append(sender)

    before_task_publish.connect(hear)
    assert [sweep_gateway_calls(), len(told), sweep_gateway_calls(), len(told), sweep_gateway_calls()] == [
        20,
        1,
        1,
        1,
        0,
    ]
    assert told == ["payments.sweep_gateway_calls"]
    assert (gateway.totals()["charges"], Payment.objects.filter(status="captured").count()) == (21, 21)


def test_a_call_that_fails_does_not_hold_up_the_others_of_its_page(gateway: GatewayProcess) -> None:
    calls = [pay_with(number=number) for number in range(3)]
    Payment.objects.filter(pk=calls[0].payment_id).update(status="cancelled", ended_at=timezone.now())
    GatewayCall.objects.update(due_at=timezone.now())
    assert sweep_gateway_calls() == 3
    assert Payment.objects.filter(status="captured").count() == 2
