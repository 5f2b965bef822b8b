"""What happened is written down with it, in one transaction: an event, and its delivery to whoever listens.

https://docs.stripe.com/api/events/object, the types: https://docs.stripe.com/api/events/types
"""

import json
import threading
import time

from django.conf import settings
from django.db import transaction

from gateway.models import Delivery, Event, new_id, now
from gateway.performing import Attempt
from gateway.wire import Object

#: The version of Stripe's API whose names the objects here have.
API_VERSION = "2026-10-28.endive"
#: An event that is to come out of order waits for a later one of its intent, and no longer than this.
MOST_HELD_SECONDS = 30
#: Set when there is something to deliver.
news = threading.Event()


def announce(kind: str, told: Object, *, intent_id: str, attempt: Attempt) -> None:
    """Write down that something happened to an intent. told: the object as it is now."""
    name = new_id("evt")
    Event.objects.create(id=name, type=kind, intent_id=intent_id, body=_body(name, kind, told, attempt))
    if not settings.WEBHOOK_URL or "webhook_never" in attempt.faults:
        return
    is_held = "webhook_out_of_order" in attempt.faults
    due_at = time.time() + (MOST_HELD_SECONDS if is_held else 0)
    for _ in range(2 if "webhook_twice" in attempt.faults else 1):
        Delivery.objects.create(event_id=name, is_held=is_held, due_at=due_at)
    transaction.on_commit(news.set)


def _body(name: str, kind: str, told: Object, attempt: Attempt) -> bytes:
    event = {
        "id": name,
        "object": "event",
        "api_version": API_VERSION,
        "created": now(),
        "data": {"object": told},
        "livemode": False,
        "pending_webhooks": 1 if settings.WEBHOOK_URL else 0,
        "request": {"id": None, "idempotency_key": attempt.key or None},
        "type": kind,
    }
    return json.dumps(event).encode()
