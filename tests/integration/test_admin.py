"""The admin: nothing can be changed, nothing is counted, every search is served by an index."""

import re
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from access.models import ApiToken
from billing.handlers import EndedPayment
from billing.ledger import SALE, Cause, book
from billing.models import CreditNote, Dispute, LatePayment, Rebuild, RevenueByDay, Statement
from billing.operations import Purchase, settle_invoice
from billing.projections import project
from idempotency.models import IdempotencyKey
from inbox.models import Heartbeat as ConsumerHeartbeat
from inbox.models import InboxEvent, InboxHorizon, InboxOffset, ParkedEvent
from outbox.coordinates import find_coordinates
from outbox.envelope import format_sequence
from outbox.models import Heartbeat, OutboxEvent
from outbox.relay import Relay
from payments.models import GatewayCall, GatewayLook
from tests.payments_topic import capture as bought
from tests.purchases import capture, drain
from tests.subscriptions import make_subscription
from tests.topics import Topics

PAGES = [
    "outbox_outboxevent", "inbox_inboxevent", "inbox_parkedevent", "inbox_inboxoffset", "payments_payment",
    "payments_gatewaycall", "idempotency_idempotencykey", "billing_invoice", "outbox_heartbeat",
    "inbox_inboxhorizon", "inbox_heartbeat", "access_apitoken",
    "billing_customer", "billing_plan", "billing_subscription", "billing_creditnote", "billing_latepayment",
    "billing_dispute", "billing_statement", "billing_revenuebyday", "billing_rebuild", "payments_gatewaylook",
]  # fmt: skip
CAUSE = "01939c00-0000-7000-8000-000000000001"
SEQUENCE = format_sequence(generation=1, window_id=1, position=1)


@pytest.fixture
def rows(log: None) -> dict[str, Any]:
    """One row behind every page, by the page's name."""
    payment = capture()
    purchase = Purchase(payment_id=payment.id, customer_id="c", reference="r", amount=1999, currency="USD")
    invoice = settle_invoice(purchase, Cause("/s", CAUSE))
    subscription = make_subscription()
    place = {"consumer": "billing", "topic": "payments.payment", "partition": 3}
    event = place | {"source": "/s", "event_id": CAUSE, "partition_key": "k", "offset": 7}
    made = [
        OutboxEvent.objects.earliest("position"),
        InboxEvent.objects.create(
            **event, digest=b"\x00", data='{"a": 1}', headers='[["ce_id", "e"]]', received_at=timezone.now()
        ),
        ParkedEvent.objects.create(**event, reason="failed", headers=[], parked_at=timezone.now()),
        InboxOffset.objects.create(**place, next_offset=8),
        payment,
        GatewayCall.objects.get(),
        IdempotencyKey.objects.create(principal="p", key="key-1", request_digest=b"\x00", status=201, body=b"{}"),
        invoice,
        Heartbeat.objects.create(owner="host:1", beat_at=timezone.now(), mode="idempotent"),
        InboxHorizon.objects.create(**place, source="/s", event_type="t", lowest=SEQUENCE, highest=SEQUENCE, offset=7),
        ConsumerHeartbeat.objects.create(
            owner="host:2",
            consumer="billing",
            beat_at=timezone.now(),
            turned_at=timezone.now(),
            partitions={},
            in_hand="",
            lag_seconds=0,
            problem="",
        ),
        ApiToken.objects.create(owner=User.objects.create_user("shop"), digest=b"\x00", scopes=["payments:read"]),
        subscription.customer,
        subscription.plan,
        subscription,
        CreditNote.objects.create(invoice=invoice, refund_id="re_1", amount=1, currency="USD"),
        LatePayment.objects.create(invoice=invoice, payment_id=uuid4(), amount=1, currency="USD"),
        Dispute.objects.create(invoice=invoice, id="dp_1", amount=1, currency="USD", reason="r", status="s", version=1),
        *projected(),
        GatewayLook.objects.create(object_id="pi_1", kind="payment_intent", told=1, due_at=timezone.now()),
    ]
    return dict(zip(PAGES, made, strict=True))


def projected() -> list[Any]:
    with transaction.atomic():
        project(EndedPayment.model_validate_json((event := bought()).data), event)
    rebuilt = Rebuild.objects.create(projection="Statement", version=1, rows=1, digest="d")
    return [Statement.objects.get(), RevenueByDay.objects.get(), rebuilt]


@pytest.mark.parametrize("page", PAGES)
def test_page_shows_its_rows_and_counts_nothing(browser: Client, rows: dict[str, Any], page: str) -> None:
    with CaptureQueriesContext(connection) as queries:
        listed = browser.get(list_of(page))
        detail = browser.get(page_of(page, rows[page]))
    assert (listed.status_code, detail.status_code) == (200, 200)
    assert str(rows[page].pk) in listed.content.decode()
    assert not [each["sql"] for each in queries if "COUNT(" in each["sql"].upper()]


@pytest.mark.parametrize("page", PAGES)
def test_nothing_can_be_added_changed_or_deleted(browser: Client, rows: dict[str, Any], page: str) -> None:
    row = rows[page]
    answers = [
        browser.post(reverse(f"admin:{page}_add"), {}),
        browser.post(page_of(page, row), {}),
        browser.post(reverse(f"admin:{page}_delete", args=[row.pk]), {"post": "yes"}),
    ]
    browser.post(list_of(page), {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"})
    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert type(row).objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("term", ["no such thing", "9" * 40, "-1", "%", "'"])
def test_a_term_that_no_field_can_hold_finds_nothing(
    browser: Client, rows: dict[str, Any], page: str, term: str
) -> None:
    answer = browser.get(list_of(page), {"q": term})
    assert answer.status_code == 200
    if answer.context["cl"].search_fields:
        assert list(answer.context["cl"].result_list) == []


def test_the_url_can_neither_sort_nor_filter_by_what_has_no_index(browser: Client, rows: dict[str, Any]) -> None:
    with CaptureQueriesContext(connection) as queries:
        browser.get(list_of("outbox_outboxevent"), {"o": "2"})
    assert not [each["sql"] for each in queries if 'ORDER BY "outbox_event"."event_type"' in each["sql"]]
    assert browser.get(list_of("outbox_outboxevent"), {"data__contains": "1"}).status_code == 400


def test_foreign_bytes_are_shown_as_visible_escapes(browser: Client, rows: dict[str, Any]) -> None:
    parked = rows["inbox_parkedevent"]
    parked.event_id = "hidden\u2066id"
    parked.value = "\x1b[31m<b>\u202egnp.exe\u200b é".encode() + b"\xff"
    parked.save()
    content = browser.get(page_of("inbox_parkedevent", parked)).content.decode()
    escapes = re.findall(r"<mark>(.*?)</mark>", content)
    assert escapes == [r"\u2066", r"\x1b", r"\u202e", r"\u200b", r"\xff"]
    assert "[31m&lt;b&gt;" in content
    assert not re.search("[\x1b\u202e\u200b\u2066]", content)


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("inbox_inboxevent", ["event_id", "event_type", "source", "partition_key", "sequence"]),
        ("inbox_parkedevent", ["event_id", "source"]),
        ("billing_invoice", ["reference", "customer_id"]),
    ],
)
def test_foreign_text_hides_nothing_in_lists_pages_and_titles(
    browser: Client, rows: dict[str, Any], page: str, names: list[str]
) -> None:
    type(rows[page]).objects.update(**{name: f"{name}\u202e\u200b\x1b" for name in names})
    book(rows["billing_invoice"], Cause("/s", "cause\u202e\u200b\x1b"), SALE)
    listed = browser.get(list_of(page)).content.decode()
    detail = browser.get(page_of(page, rows[page])).content.decode()
    assert not re.search("[\x1b\u202e\u200b]", listed + detail)
    for name in names:
        assert rf"{name}<mark>\u202e</mark><mark>\u200b</mark><mark>\x1b</mark>" in detail
    assert rf"{names[0]}<mark>\u202e</mark>" in listed


def test_a_payment_leads_to_its_events_and_a_ledger_line_to_its_cause(browser: Client, rows: dict[str, Any]) -> None:
    payment = browser.get(page_of("payments_payment", rows["payments_payment"])).content.decode()
    events = browser.get(link_in(payment, "outbox_outboxevent")).context["cl"].result_list
    assert [each.event_type for each in events] == ["payments.payment.captured.v1", "payments.payment.initiated.v1"]
    assert GatewayCall.objects.get().get_state_display() in payment
    invoice = browser.get(page_of("billing_invoice", rows["billing_invoice"])).content.decode()
    cause = browser.get(link_in(invoice, "inbox_inboxevent")).context["cl"].result_list
    assert [each.event_id for each in cause] == [CAUSE]


def test_times_are_shown_with_their_seconds(browser: Client, rows: dict[str, Any]) -> None:
    event = rows["outbox_outboxevent"]
    shown = f"{event.occurred_at:%Y-%m-%d %H:%M:%S}"
    assert shown in browser.get(list_of("outbox_outboxevent")).content.decode()
    assert shown in browser.get(page_of("outbox_outboxevent", event)).content.decode()


def test_an_event_that_was_not_published_says_so(browser: Client, rows: dict[str, Any]) -> None:
    assert "not yet" in browser.get(page_of("outbox_outboxevent", rows["outbox_outboxevent"])).content.decode()


@pytest.mark.kafka
def test_a_page_that_shares_its_offsets_shows_the_range(browser: Client, relay: Relay, topics: Topics) -> None:
    capture()
    drain(relay)
    event = OutboxEvent.objects.latest("position")
    found = find_coordinates(event)
    assert found is not None
    assert found.offsets is not None
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE outbox_progress SET offsets = jsonb_set(offsets, %s, '[5, 9]') WHERE count > 0",
            [[event.topic, str(found.partition)]],
        )
    content = browser.get(page_of("outbox_outboxevent", event)).content.decode()
    assert "5 to 9" in content


def list_of(page: str) -> str:
    return reverse(f"admin:{page}_changelist")


def page_of(page: str, row: Any) -> str:
    return reverse(f"admin:{page}_change", args=[row.pk])


def link_in(content: str, page: str) -> str:
    found = re.search(rf'href="({list_of(page)}\?q=[^"]+)"', content)
    assert found is not None
    return found[1]
