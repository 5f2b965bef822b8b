"""What a write of payments answers with: a bookmark of the event that will tell how it ended."""

from typing import Any

import pytest
from pytest_django.fixtures import Settings

from bookmarks.bookmark import Bookmark
from inbox.handlers import cares_for
from outbox.models import OutboxEvent
from payments.gateway import Answer
from payments.gateway_calls import conclude
from payments.models import GatewayCall
from tests.api_client import post

State = GatewayCall.State
PURCHASE = {"customer_id": "c-1", "reference": "order 1", "amount": 1999, "currency": "USD"}


@pytest.fixture(autouse=True)
def _billing_reads_payments(log: None, settings: Settings) -> None:
    settings.INBOX = settings.INBOX | {"OUTBOXES": {settings.OUTBOX["SOURCE"]: ["payments.payment"]}}


def pay(**changes: object) -> Any:
    return post("/payments", PURCHASE | changes)


def make_calls(answer: Answer) -> None:
    """What the gateway answers to all that was asked."""
    for call in GatewayCall.objects.filter(state=State.PENDING):
        conclude(call.pk, answer)


WRITES: dict[str, tuple[dict[str, Any], str, Answer | None]] = {
    "charge": ({}, "", Answer(State.CONFIRMED, "ch_1")),
    "charge refused": ({}, "", Answer(State.REFUSED, "card_declined")),
    "free": ({"amount": 0}, "", None),
    "authorize": ({"capture": "manual"}, "", Answer(State.CONFIRMED, intent_id="pi_1")),
    "authorize refused": ({"capture": "manual"}, "", Answer(State.REFUSED, "card_declined")),
    "capture": ({"capture": "manual"}, "capture", Answer(State.CONFIRMED, "ch_1")),
    "capture refused": ({"capture": "manual"}, "capture", Answer(State.REFUSED, "expired")),
    "cancel": ({"capture": "manual"}, "cancel", Answer(State.CONFIRMED)),
    "refund": ({}, "refund", Answer(State.CONFIRMED, "re_1")),
}


@pytest.mark.parametrize("name", WRITES)
def test_a_bookmark_names_the_event_that_tells_how_the_write_ended_and_billing_remembers_its_type(
    name: str,
) -> None:
    changes, then, answer = WRITES[name]
    written = pay(**changes)
    if then:
        make_calls(Answer(State.CONFIRMED, "ch_1", intent_id="pi_1"))
        written = post(f"/payments/{written.json()['id']}/{then}")
    bookmark = Bookmark.parse(written["Bookmark"])
    if answer is not None:
        assert not OutboxEvent.objects.filter(event_id=bookmark.event_id).exists()
        make_calls(answer)
    named = OutboxEvent.objects.get(event_id=bookmark.event_id)
    assert named == OutboxEvent.objects.latest("position")
    assert (named.source, cares_for("billing", named.event_type)) == (bookmark.source, True)


def test_the_second_press_gets_the_same_bookmark() -> None:
    first, second = post("/payments", PURCHASE, key="k"), post("/payments", PURCHASE, key="k")
    assert second["Idempotent-Replayed"] == "true"
    assert first["Bookmark"] == second["Bookmark"]
