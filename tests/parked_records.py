"""Records that are parked as they would be after a handler failed, without one that fails."""

from inbox.failure import Failure
from inbox.models import InboxOffset
from inbox.parking import Parking, Reason, park
from inbox.receiving import begin, remember
from inbox.record import Record


def park_failed(consumer: str, record: Record, failure: Failure) -> None:
    """Park the record, and move the offset past it."""
    with begin() as cursor:
        assert remember(cursor, consumer, [record]), "its id is known"
        assert park(cursor, consumer, [Parking(record, Reason.FAILED, failure)]) == 1
        place = InboxOffset.objects.filter(consumer=consumer, topic=record.topic, partition=record.partition)
        assert place.update(next_offset=record.offset + 1) == 1
