"""C24 and C25: a task that two workers have, a beat that runs twice; the row lets one of them act."""

import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from django.utils import timezone

from outbox.models import OutboxEvent
from payments.gateway_calls import make_call, take_due_calls
from payments.models import GatewayCall, Payment
from tests.faults.killing import Victim
from tests.faults.points import POINTS
from tests.faults.table import note
from tests.gateway_process import GatewayProcess
from tests.purchases import initiate

pytestmark = pytest.mark.usefixtures("log")


def count_captured_events() -> int:
    return OutboxEvent.objects.filter(event_type="payments.payment.captured.v1").count()


def test_worker_stopped_at_c24_wakes_when_another_one_has_done_the_task(gateway: GatewayProcess) -> None:
    call = initiate().gateway_calls.get()
    with Victim("C24", signal.SIGSTOP, "worker", str(call.pk), GATEWAY_URL=gateway.url) as stopped:
        stopped.wait_until_stopped()
        assert make_call(call.pk) is None, "it is the stopped one's until its lease is over"
        GatewayCall.objects.update(due_at=timezone.now())
        make_call(call.pk)
        assert (Payment.objects.get().status, count_captured_events()) == ("captured", 1)
        stopped.send(signal.SIGCONT)
        stopped.expect_ended()
    call.refresh_from_db()
    assert (call.state, call.attempts, count_captured_events()) == ("confirmed", 2, 1)
    assert (gateway.totals()["charges"], gateway.totals()["replays"]) == (1, 1)
    note(str(POINTS["C24"]), "worker zombie")


def test_of_many_workers_with_one_task_one_makes_the_call(gateway: GatewayProcess) -> None:
    call = initiate().gateway_calls.get()
    together = threading.Barrier(6)

    def work(_: int) -> bool:
        try:
            together.wait()
            return make_call(call.pk) is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as workers:
        assert sum(workers.map(work, range(6))) == 1
    call.refresh_from_db()
    assert (call.attempts, gateway.totals()["keys"], count_captured_events()) == (1, 1, 1)


def test_beat_twice_at_c25_takes_every_due_call_once() -> None:
    """The second sweep begins while the first has not committed: it takes what is left, and waits for nobody."""
    calls = [initiate(number).gateway_calls.get().pk for number in range(4)]
    GatewayCall.objects.update(due_at=timezone.now())

    def sweep() -> list[int]:
        try:
            return take_due_calls(limit=100)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as second_beat, transaction.atomic():
        first = take_due_calls(limit=3)
        second = second_beat.submit(sweep).result(20)
    assert (len(first), sorted(first + second)) == (3, calls)
    note("C25 beat runs twice", "worker race")
