"""The admin: nothing can be changed, nothing is counted, every search is served by an index."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import clear_url_caches, path, reverse, set_urlconf
from django.utils import timezone

from billing.models import Invoice
from billing.operations import Purchase, settle_invoice
from inbox.models import InboxEvent, InboxOffset, ParkedEvent
from outbox.coordinates import find_coordinates
from outbox.models import OutboxEvent
from outbox.relay import Relay
from payments.models import GatewayCall, IdempotencyKey, Payment
from tests.purchases import capture, drain, initiate
from tests.topics import Topics

PAGES = [
    "outbox_outboxevent", "inbox_inboxevent", "inbox_parkedevent", "inbox_inboxoffset", "payments_payment",
    "payments_gatewaycall", "payments_idempotencykey", "billing_invoice",
]  # fmt: skip
CAUSE = "01939c00-0000-7000-8000-000000000001"


@pytest.fixture
def browser(log: None) -> Client:
    """Someone with every permission: what is refused is refused to all."""
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    return client


@pytest.fixture
def rows(log: None) -> dict[str, Any]:
    """One row behind every page, by the page's name."""
    payment = capture()
    invoice = settle_invoice(
        Purchase(payment_id=payment.id, customer_id="c", reference="r", amount=1999, currency="USD"), event_id=CAUSE
    )
    place = {"consumer": "billing", "topic": "payments.payment", "partition": 3}
    event = place | {"source": "/s", "event_id": CAUSE, "partition_key": "k", "offset": 7}
    made = [
        OutboxEvent.objects.earliest("position"),
        InboxEvent.objects.create(**event, digest=b"\x00", data='{"a": 1}', received_at=timezone.now()),
        ParkedEvent.objects.create(**event, reason="failed", headers=[], parked_at=timezone.now()),
        InboxOffset.objects.create(**place, next_offset=8),
        payment,
        GatewayCall.objects.get(),
        IdempotencyKey.objects.create(principal="p", key="key-1", request_digest=b"\x00", status=201, body=b"{}"),
        invoice,
    ]
    return dict(zip(PAGES, made, strict=True))
