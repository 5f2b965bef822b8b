"""What must hold of a consumer after every crash, read from both databases and the whole topic."""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Sum

from billing.models import Invoice, LedgerEntry
from inbox.models import InboxEvent, InboxOffset, ParkedEvent
from outbox.models import OutboxEvent
from payments.models import Payment
from tests.records import TOPIC
from tests.topics import Message, Topics

HANDLED = {"payments.payment.captured.v1", "payments.payment.declined.v1"}
Identity = tuple[str, str]


@dataclass(frozen=True)
class Published:
    """One event that billing handles: its first record on the topic."""

    message: Message
    data: dict[str, Any]

    @property
    def identity(self) -> Identity:
        return self.message.headers["ce_source"], self.message.event_id


def check_receiving(topics: Topics, *, parked: int = 0) -> None:
    """I3 to I6, I10 and I14 of billing over all that was published since `topics` was made, nothing in flight."""
    published = read_published(topics)
    waiting = set(ParkedEvent.objects.filter(resolved_at=None).values_list("source", "event_id"))
    remembered = set(InboxEvent.objects.filter(consumer="billing").values_list("source", "event_id"))
    assert len(waiting) == parked, "I10: parked as often as something was at fault"
    assert remembered == {each.identity for each in published}, "I10: applied + parked = published"
    applied = [each for each in published if each.identity not in waiting]
    check_once(applied)
    check_books(applied)
    check_order(applied)
    check_blocked(published, waiting)
    check_offsets(topics)


def read_published(topics: Topics) -> list[Published]:
    """Return the first occurrence of every event that billing handles, in offset order a partition."""
    first: dict[Identity, Published] = {}
    for message in topics.read():
        if message.topic == TOPIC and message.headers["ce_type"] in HANDLED:
            found = Published(message, json.loads(message.value or b""))
            first.setdefault(found.identity, found)
    return list(first.values())


def check_once(applied: list[Published]) -> None:
    """I3: one invoice, four bookings and two follow-up events an event, and none without one."""
    invoices = Counter(str(payment) for payment in Invoice.objects.values_list("payment_id", flat=True))
    assert invoices == Counter(each.data["payment_id"] for each in applied), "I3: one invoice an event"
    booked = Counter(LedgerEntry.objects.values_list("source", "event_id"))
    assert booked == {each.identity: 4 for each in applied}, "I3: four bookings an event"
    causes = Counter(row.headers["causationid"] for row in OutboxEvent.objects.filter(topic="billing.invoice"))
    assert causes == {each.message.event_id: 2 for each in applied}, "I3: two follow-up events an event"


def check_books(applied: list[Published]) -> None:
    """I5: debits are credits are captured payments; those of the real ones, of both databases."""
    balances = dict(LedgerEntry.objects.values_list("account").annotate(Sum("amount")))
    assert sum(balances.values()) == 0, "I5: debits are credits"
    assert balances.get("cash", 0) == sum(each.data["amount"] for each in applied), "I5: the cash is what was captured"
    ours = sum(each.data["amount"] for each in applied if each.identity[0] == settings.OUTBOX["SOURCE"])
    captured = Payment.objects.filter(status="captured").aggregate(total=Sum("amount"))["total"] or 0
    assert ours == captured, "I5: what payments captured is booked by billing"


def check_order(applied: list[Published]) -> None:
    """I4: the effects of a key, by the position of their follow-up events, are in version order without a gap."""
    of_event = {each.message.event_id: each for each in applied}
    took_effect = defaultdict(list)
    for row in OutboxEvent.objects.filter(event_type="billing.invoice.issued.v1").order_by("position"):
        each = of_event[row.headers["causationid"]]
        took_effect[each.message.key].append(each.data["version"])
    for key, versions in took_effect.items():
        assert versions == list(range(versions[0], versions[0] + len(versions))), f"I4: {key!r} has {versions}"
        assert versions[0] in (1, 2), "I4: from the first one that billing handles (a payment's second)"


def check_blocked(published: list[Published], waiting: set[Identity]) -> None:
    """I14: once an event of a key is parked, all later ones are."""
    blocked: set[bytes | None] = set()
    for each in published:
        if each.identity in waiting:
            blocked.add(each.message.key)
        else:
            assert each.message.key not in blocked, f"I14: {each.identity} overtook its parked predecessor"


def check_offsets(topics: Topics) -> None:
    """I6: everything up to the ends was received. That no offset goes back is watched by a trigger (conftest.py)."""
    assert offsets() == {place: end for place, end in topics.read_ends().items() if place[0] == TOPIC}, "I6"


def offsets() -> dict[tuple[str, int], int]:
    rows = InboxOffset.objects.filter(consumer="billing", topic=TOPIC).values_list("topic", "partition", "next_offset")
    return {(topic, partition): offset for topic, partition, offset in rows}
