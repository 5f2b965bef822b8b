"""A topic of payments that a test has for itself, received by billing as its consumer would: what rebuilds replay."""

import json
from contextlib import closing
from io import StringIO
from typing import Any
from uuid import uuid4

from confluent_kafka import Producer
from django.core.management import call_command
from django.db import connection

from billing.models import RevenueByDay, Statement
from inbox.models import InboxOffset, ParkedEvent
from inbox.offsets import read_offsets
from inbox.receiving import Partition, next_offsets, receive
from inbox.replaying import Replay
from outbox.envelope import Envelope, encode
from tests.real_topic import RealTopic
from tests.records import captured, event
from tests.topics import Topics
from watching.topics import Topic

CAPTURED, REFUNDED = "payments.payment.captured.v1", "payments.payment.refunded.v1"
NAMES = ["Statement", "RevenueByDay"]
Row = tuple[Any, ...]


class PaymentsTopic:
    """Writes what payments would, and what it would not; receives it as billing."""

    def __init__(self, topic: RealTopic, kafka: str) -> None:
        self.name, self._kafka = topic.name, kafka
        self._producer = Producer({"bootstrap.servers": kafka, "partitioner": "murmur2_random", "log_level": 3})
        self._partitions: list[Partition] = [(topic.name, 0), (topic.name, 1)]

    def write(self, *events: Envelope) -> None:
        """Append the events, in order."""
        for each in events:
            self._producer.produce(self.name, each.data, (each.partition_key or "").encode(), headers=encode(each))
        assert self._producer.flush(10) == 0

    def write_unreadable(self) -> None:
        """Append a record that is no event."""
        self._producer.produce(self.name, b"?", b"k")
        assert self._producer.flush(10) == 0

    def ends(self) -> dict[Partition, int]:
        """Return the offset after the last record of each partition."""
        with closing(Topics(self._kafka, [self.name])) as topics:
            return topics.read_ends()

    def receive(self) -> None:
        """Receive what was written since, as billing's consumer does. An event that fails is parked at once."""
        rows = read_offsets("billing", self._partitions, topics={self.name: Topic("", 2)}, earliest=lambda _: 0)
        expected = {partition: row.next_offset for partition, row in rows.items()}
        with closing(Replay(consumer="billing", bootstrap_servers=self._kafka)) as replay:
            for records in replay.read(expected, self.ends()):
                if records:
                    receive("billing", records, expected=expected, attempts=1)
                    expected |= next_offsets(records)

    def has_received_all(self) -> bool:
        """Whether billing's consumer, a process, has received what was written."""
        rows = InboxOffset.objects.filter(consumer="billing", topic=self.name)
        return {(row.topic, row.partition): row.next_offset for row in rows} == self.ends()


def capture(**changes: Any) -> Envelope:
    """A captured payment of 19.99 USD, at noon of 2026-11-28; changes are the data's, `time` and `id` the event's."""
    attributes = {name: changes.pop(name) for name in ("time", "id") if name in changes}
    data = captured(**changes)
    return _event(CAPTURED, data, **attributes)


def refund(payment: Envelope, amount: int) -> Envelope:
    """A refund of a captured payment, the next day."""
    facts = json.loads(payment.data)
    data = facts | {"refund_id": str(uuid4()), "amount": amount, "refunded": amount}
    return _event(REFUNDED, data, time="2026-11-29T12:00:00Z")


def _event(event_type: str, data: dict[str, Any], **attributes: str) -> Envelope:
    time = {"time": "2026-11-28T12:00:00Z"} | attributes
    return event(json.dumps(data).encode(), key=data["payment_id"], type=event_type, **time)


def rebuild(name: str, *options: str) -> str:
    """Run the command; return what it says."""
    said = StringIO()
    call_command("rebuild_projection", name, *options, stdout=said)
    return said.getvalue()


def contents() -> dict[str, list[Row]]:
    """Return all rows of both projections."""
    return {model.__name__: list(model.objects.order_by("pk").values_list()) for model in (Statement, RevenueByDay)}


def park_reasons() -> list[str]:
    """Return why events are parked, in order."""
    return list(ParkedEvent.objects.order_by("pk").values_list("reason", flat=True))


def execute(statement: str) -> None:
    """Run it."""
    with connection.cursor() as cursor:
        cursor.execute(statement)


def read(statement: str) -> list[Row]:
    """Return its rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
        rows: list[Row] = cursor.fetchall()
        return rows


def schemas() -> list[str]:
    """Return the schemas that rebuilds have made and not dropped."""
    return [name for (name,) in read("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'rebuild%'")]
