"""Where the key cannot settle a call any more: it asks first, and repeats only what is known not to have happened."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from payments.gateway_calls import make_call
from payments.models import GatewayCall, Payment
from tests.gateway_process import GatewayProcess
from tests.purchases import initiate
from tests.webhook_client import lose_answer

pytestmark = pytest.mark.usefixtures("log")


def after_fault(gateway: GatewayProcess, fault: str) -> GatewayCall:
    """A call whose first attempt met the fault; the next attempts are not troubled."""
    return lose_answer(gateway, initiate().gateway_calls.get(), fault=fault)


def again(call: GatewayCall, *, hours: float = 0) -> GatewayCall:
    """The next attempt, so many hours after the first."""
    GatewayCall.objects.update(due_at=timezone.now(), key_used_at=timezone.now() - timedelta(hours=hours))
    make_call(call.pk)
    call.refresh_from_db()
    return call


def test_after_the_keys_life_it_asks_and_does_not_repeat(gateway: GatewayProcess) -> None:
    call = after_fault(gateway, "timeout_after_commit")
    gateway.http.delete("/_keys").raise_for_status()
    assert again(call, hours=25).state == "confirmed"
    assert Payment.objects.get().status == "captured"
    assert gateway.totals()["charges"] == 1


def test_what_the_gateway_does_not_know_after_the_keys_life_is_held_for_a_person(gateway: GatewayProcess) -> None:
    call = after_fault(gateway, "fail_before")
    gateway.http.delete("/_keys").raise_for_status()
    assert again(call, hours=25).state == "held"
    assert again(call, hours=26).attempts == 2, "and nobody tries it any more"
    assert gateway.totals()["charges"] == 0


def test_a_stored_failure_that_is_known_not_to_have_happened_gets_a_new_recorded_key(gateway: GatewayProcess) -> None:
    call = after_fault(gateway, "fail_stored")
    first = call.idempotency_key
    assert again(call).state == "unknown"
    assert call.problem.startswith("stored failure")
    assert again(call, hours=0.5).idempotency_key == first, "a search may still be behind"
    assert again(call, hours=2).state == "confirmed"
    assert (call.earlier_keys, call.idempotency_key) == ([first], f"{first}:2")
    assert gateway.totals()["charges"] == 1


def test_a_person_repeats_a_held_call_under_a_new_key(gateway: GatewayProcess) -> None:
    call = again(after_fault(gateway, "fail_before"), hours=25)
    call_command("decide_gateway_call", call.pk, "--repeat", "--by", "ada")
    call.refresh_from_db()
    make_call(call.pk)
    call.refresh_from_db()
    assert (call.state, len(call.earlier_keys)) == ("confirmed", 1)
    assert Payment.objects.get().status == "captured"


def test_a_person_gives_a_held_call_up_in_the_admin(gateway: GatewayProcess, browser: Client) -> None:
    call = again(after_fault(gateway, "fail_before"), hours=25)
    page = reverse("admin:payments_gatewaycall_changelist")
    browser.post(page, {"action": "give_up", "_selected_action": call.pk})
    payment = Payment.objects.get()
    assert (payment.status, payment.decline_code) == ("declined", "given_up")


def test_a_call_that_is_not_held_waits_for_nobody(settings: Settings) -> None:
    call = initiate().gateway_calls.get()
    for decision in ("--repeat", "--give-up"):
        with pytest.raises(CommandError, match="only a held one"):
            call_command("decide_gateway_call", call.pk, decision, "--by", "ada")
    with pytest.raises(CommandError, match="not there"):
        call_command("decide_gateway_call", 0, "--repeat", "--by", "ada")
