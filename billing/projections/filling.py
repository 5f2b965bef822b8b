"""Filling a shadow: of all that was received, each event that had its effect is added once.

A copy of an event, whoever wrote it, is known by source and id. What is parked or discarded has had no effect, so it is
left out; what a redrive applied meanwhile is added at the end.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db import transaction

from billing.exceptions import RebuildError
from billing.projections.projecting import Projection
from billing.projections.shadow import Shadow
from inbox.handlers import Event, find_handler, without_version
from inbox.models import ParkedEvent
from inbox.receiving import Partition, binding_cursor
from inbox.record import Record
from inbox.replaying import Content, Replay, not_applied
from inbox.upcasting import carry_forward
from inbox.waiting import read_back


@dataclass(frozen=True, kw_only=True)
class Filled:
    """How far a shadow is: where its events end, how many they are, and the parked rows of those that were left out."""

    ends: Mapping[Partition, int] = field(default_factory=dict)
    events: int = 0
    left_out: frozenset[int] = frozenset()

    def lacks(self, ends: Mapping[Partition, int]) -> int:
        """Return how many offsets there are up to these ends."""
        return sum(ends.values()) - sum(self.ends.values())


class Filler:
    """Adds to one shadow what one consumer has received."""

    def __init__(self, projection: Projection, shadow: Shadow, replay: Replay, *, consumer: str) -> None:
        self._types = {without_version(event_type) for event_type in projection.event_types}
        self._shadow, self._replay, self._consumer = shadow, replay, consumer

    def fill(self, filled: Filled, ends: Mapping[Partition, int]) -> Filled:
        """Add what was received up to these ends; return how far the shadow is then."""
        with transaction.atomic():
            absent = not_applied(binding_cursor(), self._consumer)
        events, left_out = filled.events, set(filled.left_out)
        for records in self._replay.read(filled.ends, ends):
            rows = [_row_of(record, absent) for record in records]
            events += self._add([record for record, row in zip(records, rows, strict=True) if row is None])
            left_out |= {row for row in rows if row is not None}
        return Filled(ends=ends, events=events, left_out=frozenset(left_out))

    def fill_redriven(self, filled: Filled) -> int:
        """Add what took effect since it was left out; return how many. The consumer is locked: no more follow."""
        rows = ParkedEvent.objects.filter(pk__in=filled.left_out)
        if len(rows) < len(filled.left_out):
            raise RebuildError("events that were parked took effect and were pruned during the rebuild: run it again")
        return self._add([read_back(row) for row in rows if row.resolution == ParkedEvent.Resolution.APPLIED])

    def _add(self, records: Sequence[Record]) -> int:
        wanted: dict[tuple[str, str], Record] = {}
        for record in records:
            if record.envelope and without_version(record.envelope.type) in self._types:
                wanted.setdefault(record.identity, record)
        with transaction.atomic():
            fresh = self._shadow.see(list(wanted))
            if fresh:
                self._shadow.add([self._read(record) for key, record in wanted.items() if key in fresh])
        return len(fresh)

    def _read(self, record: Record) -> Event:
        """Return the event as its handler got it. That its JSON is not ambiguous was seen when it was received."""
        assert record.envelope is not None  # noqa: S101  (_add looked)
        try:
            carried = carry_forward(self._consumer, record.envelope)
            handler = find_handler(self._consumer, carried.type)
            assert handler is not None  # noqa: S101  (a projection's types have handlers)
            return handler.read(carried), carried
        except Exception as error:
            raise RebuildError(
                f"{record.topic}/{record.partition} at offset {record.offset}: event {record.envelope.id!r} took"
                f" effect, and this version's code cannot read it: {error}. Mend model or upcaster, then run it again"
            ) from error


def _row_of(record: Record, absent: Mapping[Content, int]) -> int | None:
    """Return the parked row of a record without effect. One that could not be read then was known by its place."""
    place = f"{record.topic}/{record.partition}/{record.offset}"
    return absent.get((*record.identity, record.digest)) or absent.get(("", place, record.digest))
