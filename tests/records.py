"""Records as Kafka hands them over, for tests of the inbox that need no broker."""

import json
import random
import string
from typing import Any
from uuid import uuid4

from inbox.record import Record, read_record
from outbox.envelope import Envelope, encode

TOPIC = "payments.payment"
PARTITION = (TOPIC, 0)


def captured(**changes: Any) -> dict[str, Any]:
    """The data of a captured payment as payments publishes it."""
    facts = {"payment_id": str(uuid4()), "customer_id": "c", "reference": "r", "amount": 1999, "currency": "USD"}
    return facts | {"charge_id": "ch_1", "version": 2} | changes


def event(data: bytes, *, key: str = "k", **attributes: Any) -> Envelope:
    """An event of a foreign producer; attributes are the envelope's."""
    known = {"id": str(uuid4()), "source": "/tests", "type": "payments.payment.captured.v1", "partition_key": key}
    return Envelope(data=data, **(known | attributes))


def record_at(offset: int, data: dict[str, Any], **attributes: Any) -> Record:
    """The record at an offset of partition 0."""
    envelope = event(json.dumps(data).encode(), **attributes)
    headers = [(name, value.encode() if isinstance(value, str) else value) for name, value in encode(envelope)]
    topic, partition = PARTITION
    return read_record(topic=topic, partition=partition, offset=offset, key=b"k", value=envelope.data, headers=headers)


def incompressible(length: int) -> str:
    """Text that PostgreSQL cannot make shorter in an index."""
    return "".join(random.choices(string.ascii_letters + string.digits + string.punctuation, k=length))
