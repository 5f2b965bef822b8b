"""Telling events to a URL, signed, until it answers: https://docs.stripe.com/webhooks

Any answer but 2xx, or none within TIMEOUT_SECONDS, means again, after a pause that grows. Who listens must expect an
event twice, and events in another order than they happened: Stripe promises neither.
"""

import hashlib
import hmac
import logging
import threading
import time
import urllib.error
import urllib.request
from http.client import HTTPException

from django.conf import settings
from django.db import DatabaseError, connection, transaction

from gateway.announcing import news
from gateway.idempotency import one_writer
from gateway.models import Delivery

logger = logging.getLogger(__name__)
TIMEOUT_SECONDS = 5
LONGEST_PAUSE_SECONDS = 60
#: About 15 minutes; Stripe goes on for three days, in a sandbox for some hours.
MOST_ATTEMPTS = 20
#: How many are told between two looks at what is due.
PAGE = 20
#: Pauses end without news: nobody else wakes the loop for them.
IDLE_SECONDS = 0.5


def sign(body: bytes, secret: str, *, at: int) -> str:
    """Return the Stripe-Signature of a body: HMAC-SHA256 over "time.body" (https://docs.stripe.com/webhooks/signature)."""
    signature = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={signature}"


class Deliverer:
    """The loop that tells events. One a process: nothing keeps two of them from telling the same."""

    def start(self) -> None:
        """Begin, beside the requests; ends with the process, and what was not told yet is told by the next one."""
        threading.Thread(target=self.run, name="deliverer", daemon=True).start()

    def run(self) -> None:
        """Deliver for ever."""
        while True:
            news.clear()
            try:
                while self.run_once():
                    pass
            except DatabaseError:  # locked for longer than its time-out: the rows are still there
                logger.exception("events could not be delivered, going on")
                connection.close()
            news.wait(IDLE_SECONDS)

    def run_once(self) -> int:
        """Tell what is due, in the order of its time; return how many were tried."""
        waiting = Delivery.objects.filter(state=Delivery.State.WAITING, due_at__lte=time.time())
        page = list(waiting.select_related("event").order_by("due_at", "pk")[:PAGE])
        for delivery in page:
            delivery.problem = post(bytes(delivery.event.body))
        with one_writer, transaction.atomic():
            for delivery in page:
                _conclude(delivery)
        return len(page)


def post(body: bytes) -> str:
    """Send one event. Returns why it did not arrive; empty: it did."""
    signature = sign(body, settings.WEBHOOK_SECRET, at=int(time.time()))
    headers = {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": signature}
    request = urllib.request.Request(settings.WEBHOOK_URL, data=body, headers=headers)  # noqa: S310  (settings check it)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):  # noqa: S310
            return ""
    except (OSError, HTTPException) as error:  # HTTPError, for every answer but 2xx, is an OSError
        return f"{type(error).__name__}: {error}"


def _conclude(delivery: Delivery) -> None:
    delivery.attempts += 1
    if not delivery.problem:
        delivery.state = Delivery.State.DELIVERED
        _let_go_of_held(delivery)
    elif delivery.attempts >= MOST_ATTEMPTS:
        delivery.state = Delivery.State.GIVEN_UP
    else:
        delivery.due_at = time.time() + min(2 ** (delivery.attempts - 1), LONGEST_PAUSE_SECONDS)
    delivery.save()


def _let_go_of_held(delivery: Delivery) -> None:
    """What was to come after a later event of the same intent may come now."""
    event = delivery.event
    earlier = Delivery.objects.filter(event__intent_id=event.intent_id, event_id__lt=event.pk, is_held=True)
    earlier.filter(attempts=0).update(due_at=time.time())
