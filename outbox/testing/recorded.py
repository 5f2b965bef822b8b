"""Was an event recorded? Asked of the log itself, within the test's transaction or after its commit."""

from typing import Any, TypeVar

from outbox.events import Event
from outbox.models import OutboxEvent

E = TypeVar("E", bound=Event)


def assert_recorded(event_class: type[E], *, times: int = 1, **fields: Any) -> list[E]:
    """Return the recorded events of the class whose fields have these values, oldest first.

    Raises AssertionError, with what was recorded instead, unless there are exactly `times`; TypeError for a field
    that the class does not have.
    """
    if unknown := fields.keys() - event_class.model_fields.keys():
        raise TypeError(f"{event_class.__name__} has no field {', '.join(sorted(unknown))}")
    found = [event for event in _recorded(event_class) if _has(event, fields)]
    assert len(found) == times, (  # noqa: S101
        f"{event_class.__name__} {fields or ''} was recorded {len(found)} times, expected {times}. {_log()}"
    )
    return found


def refute_recorded(event_class: type[Event], **fields: Any) -> None:
    """Raise AssertionError when an event of the class with these values of its fields was recorded."""
    assert_recorded(event_class, times=0, **fields)


def _recorded(event_class: type[E]) -> list[E]:
    rows = OutboxEvent.objects.filter(event_type=event_class.event_type).order_by("position")
    return [event_class.model_validate_json(row.data) for row in rows]


def _has(event: Event, fields: dict[str, Any]) -> bool:
    return all(getattr(event, name) == value for name, value in fields.items())


def _log() -> str:
    lines = [f"  {row.event_type} {row.data}" for row in OutboxEvent.objects.order_by("position")]
    return "\n".join(["The log holds:", *lines]) if lines else "The log is empty."
