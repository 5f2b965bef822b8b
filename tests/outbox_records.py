"""Records of an outbox of this template, for tests of the inbox that need no broker."""

from typing import Any
from uuid import UUID

from inbox.applying import Outcome
from inbox.conf import InboxSettings, inbox_settings
from inbox.failure import Failure
from inbox.models import InboxOffset
from inbox.pruning import Pruning, prune_inbox
from inbox.receiving import receive
from inbox.record import Record
from outbox.envelope import format_sequence
from tests.parked_records import park_failed
from tests.records import PARTITION, TOPIC, captured, record_at

SOURCE = "/tests/outbox"
#: Nothing is kept for its age, and one source is an outbox on the topic of tests.records.
RETENTION = {"OUTBOXES": {SOURCE: [TOPIC]}, "RETENTION_DAYS": 0}


def sequence(position: int, *, window_id: int = 1, generation: int = 1) -> str:
    return format_sequence(generation=generation, window_id=window_id, position=position)


def of_outbox(offset: int, position: int | None = None, **changes: Any) -> Record:
    """The record at an offset; its position, which names the event, is the offset unless it is told."""
    place = offset if position is None else position
    known = {"source": SOURCE, "id": f"event-{place}", "sequence": sequence(place), "key": f"key-{place}"}
    return record_at(offset, captured(reference=str(place), payment_id=str(UUID(int=place))), **known | changes)


def receive_all(*records: Record) -> dict[Outcome, int]:
    """Receive the records as one batch of billing, from where the database stands."""
    return dict(receive("billing", records, expected=stored()))


def park(record: Record) -> None:
    """Park it as one whose handler failed."""
    park_failed("billing", record, Failure("it failed", "f", 3))


def stored() -> dict[tuple[str, int], int]:
    return {PARTITION: InboxOffset.objects.get(consumer="billing").next_offset}


def prune(**changes: Any) -> Pruning:
    """Prune once, with these settings changed."""
    return prune_inbox(InboxSettings.model_validate(inbox_settings().model_dump(by_alias=True) | changes))
