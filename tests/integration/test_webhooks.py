"""POST /webhooks/gateway: verified, remembered once by its id, answered at once; what cannot be read leaves nothing."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from contracts.stored import read_received
from inbox.conf import inbox_settings
from inbox.models import InboxEvent
from inbox.pruning import prune_inbox
from payments.gateway_calls import make_call
from payments.models import GatewayLook, Payment
from payments.tasks import sweep_gateway_looks
from tests.conditions import wait_until
from tests.gateway_process import WEBHOOK_SECRET, GatewayProcess
from tests.purchases import initiate
from tests.webhook_client import look, send, sign

pytestmark = pytest.mark.usefixtures("signed")


@pytest.fixture
def signed(settings: Settings) -> None:
    settings.PAYMENTS = settings.PAYMENTS | {"GATEWAY_WEBHOOK_SECRET": WEBHOOK_SECRET}


def body(kind: str = "charge.dispute.created", about: str = "dispute", **changes: Any) -> bytes:
    """An event of the gateway about du_1."""
    event = {"id": "evt_1", "object": "event", "type": kind, "data": {"object": {"id": "du_1", "object": about}}}
    return json.dumps(event | changes).encode()


def assert_refused(answer: Any, says: str) -> None:
    """Problem details, and nothing stored."""
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert says in answer.json()["detail"]
    assert not InboxEvent.objects.exists()
    assert not GatewayLook.objects.exists()


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"secret": "whsec_other"}, "No signatures found matching"),
        ({"age": 301}, "outside the tolerance zone"),
        ({"signature": ""}, "No Stripe-Signature"),
        ({"signature": "v1=abc"}, "Unable to extract timestamp"),
        ({"signature": "t=1,v0=abc"}, "No signatures found with expected scheme"),
    ],
    ids=str,
)
def test_what_the_gateway_did_not_sign_just_now_is_refused(db: None, how: dict[str, Any], says: str) -> None:
    assert_refused(send(body(), **how), says)


def test_a_body_that_was_changed_on_the_way_is_refused(db: None) -> None:
    changed = body().replace(b"du_1", b"du_2")
    assert_refused(send(changed, signature=sign(body())), "No signatures found matching")


def test_without_a_secret_nothing_is_accepted_not_even_what_is_signed_with_none(db: None, settings: Settings) -> None:
    settings.PAYMENTS = settings.PAYMENTS | {"GATEWAY_WEBHOOK_SECRET": ""}
    assert_refused(send(body(), secret=""), "No webhook secret")


@pytest.mark.parametrize(
    "wrong",
    [b"", b"[]", b"{", b"\xff", body(data={}), body(id=""), body(id="x" * 256)],
    ids=["empty", "a list", "cut", "not UTF-8", "without an object", "without an id", "a long id"],
)
def test_what_is_signed_and_no_event_is_refused(db: None, wrong: bytes) -> None:
    assert_refused(send(wrong), "")


def test_an_event_that_its_handler_cannot_read_is_not_remembered_so_that_it_may_come_again(log: None) -> None:
    assert_refused(send(body(about="charge")), "evt_1 cannot be read")
    assert send(body()).json() == {"outcome": "applied"}


def test_an_event_takes_effect_once_however_often_it_is_told(log: None) -> None:
    assert [send(each).json()["outcome"] for each in (body(), body(), body(pending_webhooks=0))] == [
        "applied", "duplicate", "duplicate",
    ]  # fmt: skip
    assert GatewayLook.objects.get().told == 1


def test_of_copies_at_the_same_moment_one_takes_effect(log: None) -> None:
    together = threading.Barrier(6)

    def deliver(_: int) -> str:
        try:
            together.wait()
            return str(send(body()).json()["outcome"])
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        assert sorted(threads.map(deliver, range(6))) == ["applied", *["duplicate"] * 5]
    assert GatewayLook.objects.get().told == 1


@pytest.mark.parametrize("kind", ["charge.refunded", "invoice.paid", "billing.invoice.paid.v1", "refund.created.v2"])
def test_what_tells_us_nothing_is_answered_and_forgotten_and_the_gateway_cannot_speak_for_billing(
    db: None, kind: str
) -> None:
    assert send(body(kind)).json() == {"outcome": "ignored"}
    assert not InboxEvent.objects.exists()


def test_an_object_that_is_none_of_ours_is_answered_and_remembered_and_nobody_looks(log: None) -> None:
    foreign = {"id": "pi_1", "object": "payment_intent", "metadata": {"gateway_call": "order 7:capture"}}
    for number, about in enumerate([foreign, foreign | {"metadata": None}, foreign | {"metadata": {}}]):
        told = send(body("payment_intent.succeeded", id=f"evt_{number}", data={"object": about}))
        assert told.json() == {"outcome": "applied"}
    assert (InboxEvent.objects.count(), GatewayLook.objects.count()) == (3, 0)


def test_a_webhook_is_kept_for_the_retention_readable_by_the_code_that_is_deployed(
    log: None, settings: Settings
) -> None:
    send(body())
    [stored] = read_received("payments")
    assert (stored.event_type, stored.problem) == ("charge.dispute.created", "")
    assert InboxEvent.objects.get().partition_key == "du_1"
    settings.INBOX = settings.INBOX | {"RETENTION_DAYS": 30}
    assert prune_inbox(inbox_settings()).ids == 0
    InboxEvent.objects.update(received_at=timezone.now() - timedelta(days=31))
    assert prune_inbox(inbox_settings(), dry_run=True).ids == 1
    assert (prune_inbox(inbox_settings()).ids, InboxEvent.objects.count()) == (1, 0)


def test_a_nudge_that_is_lost_is_made_up_for_by_the_sweep_once_in_a_while(log: None) -> None:
    send(body())
    assert sweep_gateway_looks() == 0, "the nudge has its time"
    GatewayLook.objects.update(due_at=timezone.now())
    assert [sweep_gateway_looks(), sweep_gateway_looks()] == [1, 0]


def test_the_gateway_itself_tells_twice_and_out_of_order_and_all_is_settled(
    log: None, live_server: LiveServer, settings: Settings, tmp_path: Path
) -> None:
    url = f"{live_server.url}/webhooks/gateway"
    process = GatewayProcess(tmp_path, GATEWAY_WEBHOOK_URL=url, GATEWAY_WEBHOOK_SECRET=WEBHOOK_SECRET)
    process.start()
    settings.PAYMENTS = settings.PAYMENTS | {"GATEWAY_URL": process.url}
    faults = {"timeout_after_commit": 1, "webhook_twice": 1, "webhook_out_of_order": 1}
    process.http.put("/_faults", json=faults).raise_for_status()
    payment = initiate(payment_method="pm_card_createDispute")
    make_call(payment.gateway_calls.get().pk)
    process.http.put("/_faults", json={}).raise_for_status()
    dispute = process.client.v1.disputes.list().data[0]
    process.http.post(f"/_disputes/{dispute.id}", data={"outcome": "lost"}).raise_for_status()
    wait_until(lambda: InboxEvent.objects.count() == 3, what="three events, five deliveries")
    wait_until(lambda: [look(), settled(payment)][1] == ("captured", "lost"), what=lambda: f"{settled(payment)}")
    process.stop()
    assert [each.told for each in GatewayLook.objects.order_by("kind")] == [2, 1]


def settled(payment: Payment) -> tuple[str, str]:
    payment.refresh_from_db()
    return payment.status, payment.dispute
