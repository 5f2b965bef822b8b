"""Parked events that wait: which ones are chosen, which go together, and each as the record it was."""

from collections.abc import Iterator, Sequence

from django.db.models import Q, QuerySet

from inbox.models import ParkedEvent
from inbox.record import Record, read_record
from inbox.stored_headers import from_stored

Reason = ParkedEvent.Reason
#: They keep the order of their key. All others stand alone: no key can be trusted, or the id took effect before.
ORDERED = Q(reason__in=[Reason.FAILED, Reason.QUEUED]) & ~Q(partition_key="")


def choose(
    consumer: str,
    *,
    ids: Sequence[str] = (),
    keys: Sequence[str] = (),
    fingerprints: Sequence[str] = (),
    everything: bool = False,
) -> QuerySet[ParkedEvent]:
    """Return the consumer's parked events that wait and are named by event id, partition key or fingerprint."""
    waiting = ParkedEvent.objects.filter(consumer=consumer, resolved_at=None)
    if everything:
        return waiting
    return waiting.filter(Q(event_id__in=ids) | Q(partition_key__in=keys) | Q(fingerprint__in=fingerprints))


def split(chosen: QuerySet[ParkedEvent]) -> Iterator[QuerySet[ParkedEvent]]:
    """Yield what goes together: all that waits of a chosen key, in order, or one event that stands alone."""
    place = ("consumer", "topic", "partition", "partition_key")
    waiting = ParkedEvent.objects.filter(resolved_at=None)
    for key in list(chosen.filter(ORDERED).order_by(*place).values(*place).distinct()):
        yield waiting.filter(ORDERED, **key).order_by("offset")
    for pk in list(chosen.exclude(ORDERED).order_by(*place, "offset").values_list("pk", flat=True)):
        yield waiting.filter(pk=pk)


def is_behind(event: ParkedEvent, record: Record) -> bool:
    """Return whether an earlier event of the record's key waits."""
    topic, partition, key = record.ordered_key
    earlier = ParkedEvent.objects.filter(ORDERED, consumer=event.consumer, resolved_at=None, offset__lt=event.offset)
    return earlier.filter(topic=topic, partition=partition, partition_key=key).exists()


def read_back(event: ParkedEvent) -> Record:
    """Return the record that was parked, read by the code of now."""
    return read_record(
        topic=event.topic, partition=event.partition, offset=event.offset, headers=from_stored(event.headers),
        key=None if event.key is None else bytes(event.key),
        value=None if event.value is None else bytes(event.value),
    )  # fmt: skip
