"""A01-A07: a request that is killed, repeated, paused, reused, forgotten: one payment and one charge a purchase."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from access.tokens import make_token
from idempotency.models import IdempotencyKey
from idempotency.pruning import prune_keys
from outbox.models import OutboxEvent
from payments.gateway_calls import make_call, take_due_calls
from payments.models import GatewayCall, Payment
from tests.api_client import ALL_SCOPES, post
from tests.conditions import wait_until
from tests.faults.api_points import API_POINTS
from tests.faults.killing import ROOT, kill_at, url
from tests.faults.table import note
from tests.faults.web_victim import PURCHASE, WebVictim
from tests.gateway_process import GatewayProcess

pytestmark = pytest.mark.usefixtures("log")
#: Production has 10 s (services/celery.py); what a paused session holds is let go of after this.
IMPATIENT = {"PGOPTIONS": "-c idle_in_transaction_session_timeout=300"}
#: What a session's own bounds are.
ASKED = """
import services.{module}, django
django.setup()
from django.db import connection
with connection.cursor() as cursor:
    for name in ("idle_in_transaction_session_timeout", "lock_timeout"):
        cursor.execute("SHOW " + name)
        print(cursor.fetchone()[0])
"""


@pytest.fixture
def token(log: None) -> str:
    """Of the same owner as that of post()."""
    return make_token(User.objects.get_or_create(username="shop")[0], scopes=ALL_SCOPES)[0]


def press(**changes: Any) -> Any:
    """The same press, at another web process: this one."""
    return post("/payments", PURCHASE | changes, key="key-1")


def counts() -> tuple[int, ...]:
    return tuple(model._default_manager.count() for model in (Payment, GatewayCall, IdempotencyKey, OutboxEvent))


def kill_in_the_request(point: str, token: str) -> None:
    with WebVictim(point, signal.SIGKILL) as victim:
        answer = victim.press(token)
        victim.expect_killed()
        assert isinstance(answer.exception(30), httpx.TransportError), "the client knows nothing"


def test_killed_at_a01_with_its_key_inserted_leaves_nothing_and_the_key_is_free(token: str) -> None:
    kill_in_the_request("A01", token)
    assert counts() == (0, 0, 0, 0)
    wait_until(lambda: press().status_code == 201, what="free at once", seconds=2)
    assert counts() == (1, 1, 1, 1)
    note(str(API_POINTS["A01"]), "request kill")


def test_killed_at_a02_when_the_gateway_had_charged_is_charged_once(gateway: GatewayProcess) -> None:
    first = press()
    call = GatewayCall.objects.get()
    kill_at("C23", "worker", str(call.pk), GATEWAY_URL=gateway.url)
    assert gateway.totals()["charges"] == 1, "and nothing of it is recorded"
    assert press().content == first.content, "the second press gets the answer to the first: initiated"
    GatewayCall.objects.update(due_at=timezone.now())  # as if the dead worker's lease were over
    [due] = take_due_calls(limit=10)
    make_call(due)
    assert Payment.objects.get().status == "captured"
    assert (gateway.totals()["charges"], gateway.totals()["replays"]) == (1, 1)
    note("A02: gateway succeeded, nothing recorded", "request kill")


def test_retried_at_a03_while_the_first_runs_is_409_and_then_gets_its_answer(token: str) -> None:
    with WebVictim("A03", signal.SIGSTOP) as victim:
        first = victim.press(token)
        victim.wait_until_stopped()
        early = press()
        assert (early.status_code, "still runs" in early.json()["detail"]) == (409, True)
        victim.send(signal.SIGCONT)
        assert first.result(30).status_code == 201
    late = press()
    assert (late.content, late["Idempotent-Replayed"]) == (first.result().content, "true")
    assert counts() == (1, 1, 1, 1)
    note(str(API_POINTS["A03"]), "request pause")


def test_killed_at_a04_with_its_answer_stored_gives_that_answer_to_the_retry(token: str) -> None:
    kill_in_the_request("A04", token)
    assert counts() == (1, 1, 1, 1)
    stored = bytes(IdempotencyKey.objects.get().body)
    retry = press()
    assert (retry.status_code, retry.content, retry["Idempotent-Replayed"]) == (201, stored, "true")
    assert counts() == (1, 1, 1, 1)
    GatewayCall.objects.update(due_at=timezone.now())  # the nudge died with it
    assert take_due_calls(limit=10) == [GatewayCall.objects.get().pk]
    note(str(API_POINTS["A04"]), "request kill")


@pytest.mark.parametrize(
    "change", [{"amount": 2000}, {"currency": "EUR"}, {"reference": "order 2"}], ids=["amount", "currency", "reference"]
)
def test_another_body_at_a05_is_422_and_changes_nothing(change: dict[str, Any]) -> None:
    first = press()
    assert press(**change).status_code == 422
    assert press().content == first.content
    assert counts() == (1, 1, 1, 1)
    note("A05: other body", "request refused")


def test_a_key_that_expired_at_a06_is_new_and_one_that_has_not_is_remembered() -> None:
    first = press()
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=71))
    prune_keys()
    assert press().content == first.content
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=73))
    assert press().content == first.content, "as long as the row is there"
    prune_keys()
    again = press()
    assert (again.status_code, again.json()["id"] == first.json()["id"]) == (201, False)
    assert counts() == (2, 2, 1, 2)
    note("A06: key expired", "request forgotten")


def test_a_first_press_that_is_paused_at_a07_is_ended_and_the_second_takes_over(token: str) -> None:
    with WebVictim("A07", signal.SIGSTOP, **IMPATIENT) as victim:
        first = victim.press(token)
        victim.wait_until_stopped()
        wait_until(lambda: press().status_code == 201, what="let go of by the database", seconds=20)
        victim.send(signal.SIGCONT)
        late = first.result(30)
        assert (late.status_code, late.headers["Content-Type"]) == (503, "application/problem+json")
        assert int(late.headers["Retry-After"]) > 0
    assert counts() == (1, 1, 1, 1)
    assert press()["Idempotent-Replayed"] == "true"
    note(str(API_POINTS["A07"]), "request pause")


def test_web_and_workers_ask_the_database_to_end_what_is_paused_and_to_wait_for_no_lock_for_ever() -> None:
    for module in ("celery", "wsgi"):
        environment = {name: value for name, value in os.environ.items() if name != "PGOPTIONS"}
        environment |= {"SERVICE": "payments", "PAYMENTS_DATABASE_URL": url()}
        done = subprocess.run(
            [sys.executable, "-c", ASKED.format(module=module)],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.split() == ["10s", "15s"], module
