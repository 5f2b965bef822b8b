"""A web process that dies in a webhook, a worker that dies or sleeps in a look: the effect is there once."""

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from django.utils import timezone

from inbox.models import InboxEvent
from outbox.models import OutboxEvent
from payments.gateway_calls import make_call
from payments.looking import take_due_looks
from payments.models import GatewayLook, Payment
from tests.faults.killing import Victim, kill_at
from tests.faults.points import POINTS
from tests.faults.table import note
from tests.faults.webhook_points import LOOKING, TAKING, WEBHOOK_POINTS
from tests.gateway_process import WEBHOOK_SECRET, GatewayProcess
from tests.purchases import initiate
from tests.webhook_client import events_about, look, lose_answer, send

pytestmark = pytest.mark.usefixtures("log")


@pytest.fixture
def gateway(listened_gateway: GatewayProcess) -> GatewayProcess:
    return listened_gateway


def surroundings(gateway: GatewayProcess) -> dict[str, str]:
    """Of a victim."""
    return {"GATEWAY_URL": gateway.url, "GATEWAY_WEBHOOK_SECRET": WEBHOOK_SECRET}


def told_of_a_lost_answer(gateway: GatewayProcess) -> bytes:
    """The webhook of a charge that nobody on our side knows of."""
    call = lose_answer(gateway, initiate().gateway_calls.get())
    [body] = events_about(gateway, str(call.payment_id))
    return body


def told_of_a_dispute(gateway: GatewayProcess) -> tuple[Payment, str]:
    """A payment whose money was taken back, and the dispute's id: the webhook has come, nobody has looked."""
    payment = initiate(payment_method="pm_card_createDispute")
    make_call(payment.gateway_calls.get().pk)
    payment.refresh_from_db()
    [opened] = events_about(gateway, payment.gateway_intent, "charge.dispute.created")
    send(opened)
    return payment, GatewayLook.objects.get().pk


def count_events(happened: str) -> int:
    return OutboxEvent.objects.filter(event_type=f"payments.payment.{happened}.v1").count()


@pytest.mark.parametrize("point", [point.name for point in TAKING])
def test_a_web_process_killed_in_a_webhook_leaves_all_of_it_or_nothing_and_the_next_telling_settles_it_once(
    gateway: GatewayProcess, point: str
) -> None:
    body = told_of_a_lost_answer(gateway)
    kill_at(point, "web", body.decode(), **surroundings(gateway))
    is_committed = point == "W2"
    assert (InboxEvent.objects.exists(), GatewayLook.objects.exists()) == (is_committed, is_committed)
    assert send(body).json() == {"outcome": "duplicate" if is_committed else "applied"}
    look()
    assert (Payment.objects.get().status, count_events("captured")) == ("captured", 1)
    note(str(WEBHOOK_POINTS[point]), "web kill")


def test_worker_killed_at_c23_in_a_look_has_changed_nothing_and_the_next_look_settles_it(
    gateway: GatewayProcess,
) -> None:
    send(told_of_a_lost_answer(gateway))
    kill_at("C23", "look", GatewayLook.objects.get().pk, **surroundings(gateway))
    assert Payment.objects.get().status == "initiated"
    GatewayLook.objects.update(due_at=timezone.now())
    assert take_due_looks(limit=10) == [GatewayLook.objects.get().pk]
    look()
    assert (Payment.objects.get().status, count_events("captured")) == ("captured", 1)
    note(str(POINTS["C23"]), "look kill")


def test_worker_stopped_at_c24_with_an_old_word_wakes_when_the_newest_is_written_and_changes_nothing(
    gateway: GatewayProcess,
) -> None:
    payment, dispute = told_of_a_dispute(gateway)
    with Victim(LOOKING.name, signal.SIGSTOP, "look", dispute, **surroundings(gateway)) as asleep:
        asleep.wait_until_stopped()
        gateway.http.post(f"/_disputes/{dispute}", data={"outcome": "lost"}).raise_for_status()
        [closed] = events_about(gateway, payment.gateway_intent, "charge.dispute.closed")
        send(closed)
        look()
        asleep.send(signal.SIGCONT)
        asleep.expect_ended()
    payment.refresh_from_db()
    assert (payment.dispute, payment.version, count_events("disputed")) == ("lost", 4, 2)
    note(str(LOOKING), "look zombie")


def test_what_is_told_while_a_look_is_on_its_way_is_looked_at_again(gateway: GatewayProcess) -> None:
    payment, dispute = told_of_a_dispute(gateway)
    with Victim(LOOKING.name, signal.SIGSTOP, "look", dispute, **surroundings(gateway)) as asleep:
        asleep.wait_until_stopped()
        gateway.http.post(f"/_disputes/{dispute}", data={"outcome": "won"}).raise_for_status()
        [closed] = events_about(gateway, payment.gateway_intent, "charge.dispute.closed")
        send(closed)
        asleep.send(signal.SIGCONT)
        asleep.expect_ended()
    payment.refresh_from_db()
    assert payment.dispute == "opened", "that is what it had seen"
    assert look() == [True]
    payment.refresh_from_db()
    assert payment.dispute == "won"


def test_beat_twice_at_c25_takes_every_due_look_once() -> None:
    names = [f"du_{number}" for number in range(4)]
    GatewayLook.objects.bulk_create(
        GatewayLook(object_id=name, kind="dispute", told=1, due_at=timezone.now()) for name in names
    )

    def sweep() -> list[str]:
        try:
            return take_due_looks(limit=100)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as second_beat, transaction.atomic():
        first = take_due_looks(limit=3)
        second = second_beat.submit(sweep).result(20)
    assert (len(first), sorted(first + second)) == (3, names)
    note("C25 beat runs twice", "look race")
