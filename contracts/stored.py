"""Every stored event, read by this version's code: what a deploy would leave unreadable shows before the deploy.

recorded   rows of the outbox, published or not: the event class of the type must take the data
received   events of the inbox that had their effect: a replay reads them again
queued     events that wait behind a parked one: the redrive will read them
parked     events that need a person. Those cannot be read often enough; they are counted, and fail nothing
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef, QuerySet

from inbox.applying import read_event
from inbox.models import InboxEvent, ParkedEvent
from inbox.waiting import read_back
from outbox.envelope import Envelope
from outbox.events import EVENT_TYPES
from outbox.models import OutboxEvent

_AT_ONCE = 2_000
Reason = ParkedEvent.Reason


class Stored(NamedTuple):
    """One stored event: where it is, its type and id, and why it cannot be read; empty when it can."""

    where: str
    event_type: str
    event_id: str
    problem: str


def read_recorded() -> Iterator[Stored]:
    """Read the outbox. A type that is not declared any more goes out as it was recorded: nothing to compare with."""
    rows = OutboxEvent.objects.order_by("position").values_list("event_type", "event_id", "data")
    for event_type, event_id, data in rows.iterator(chunk_size=_AT_ONCE):
        event = EVENT_TYPES.get(event_type)
        problem = "" if event is None else _problem(event.model_validate_json, data)
        yield Stored("recorded", event_type, str(event_id), problem)


def read_received(consumer: str) -> Iterator[Stored]:
    """Read what the consumer remembers, but for what is parked or was given up."""
    put_away = ParkedEvent.objects.exclude(resolution=ParkedEvent.Resolution.APPLIED).filter(
        consumer=OuterRef("consumer"), source=OuterRef("source"), event_id=OuterRef("event_id")
    )
    rows = InboxEvent.objects.filter(~Exists(put_away), consumer=consumer).order_by("id")
    names = ("event_id", "source", "event_type", "data")
    for event_id, source, event_type, data in rows.values_list(*names).iterator(chunk_size=_AT_ONCE):
        envelope = Envelope(id=event_id, source=source, type=event_type, data=data.encode())
        yield Stored("received", event_type, event_id, _problem(read_event, consumer, envelope))


def read_parked(consumer: str) -> Iterator[Stored]:
    """Read what waits for a person, and what waits behind it."""
    waiting: QuerySet[ParkedEvent] = ParkedEvent.objects.filter(consumer=consumer, resolved_at=None).order_by("id")
    for event in waiting.iterator(chunk_size=_AT_ONCE):
        record = read_back(event)
        where = "queued" if event.reason == Reason.QUEUED else "parked"
        if record.envelope is None:
            yield Stored(where, "", event.event_id, record.failure.problem)
        else:
            problem = _problem(read_event, consumer, record.envelope)
            yield Stored(where, record.envelope.type, event.event_id, problem)


def _problem(read: Callable[..., Any], *given: Any) -> str:
    """Return why it cannot be read, whatever is raised: upcasters and models are anyone's code."""
    try:
        read(*given)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""
