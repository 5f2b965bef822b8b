"""Upcasters carry an old version of an event forward, so that one handler reads them all.

    @upcasts("payments.payment.captured.v1", to="payments.payment.captured.v2")
    def add_currency(data: dict[str, Any]) -> dict[str, Any]:
        return data | {"currency": "USD"}

They work on the JSON, not on a model: the old model is not kept, and the handler's own model judges the result.
Arriving events and stored ones (parked, then redriven) go the same way; what is stored stays as it arrived.
"""

from collections.abc import Callable, Iterator
from typing import Any

from pydantic_core import from_json, to_json

from inbox.handlers import consumer_of, without_version
from outbox.envelope import Envelope

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]

_UPCASTERS: dict[str, dict[str, tuple[str, Upcaster]]] = {}


def upcasts(event_type: str, *, to: str) -> Callable[[Upcaster], Upcaster]:
    """Declare the decorated function, JSON object in and out, as the way from one version to a later one.

    Raises ValueError when `to` is not a later version of the same type, or the type has an upcaster already.
    """
    if without_version(event_type) != without_version(to) or _version(event_type) >= _version(to):
        raise ValueError(f"{to} is not a later version of {event_type}")

    def register(function: Upcaster) -> Upcaster:
        upcasters = _UPCASTERS.setdefault(consumer_of(function), {})
        if event_type in upcasters:
            raise ValueError(f"{event_type} has two upcasters: {upcasters[event_type][1]} and {function}")
        upcasters[event_type] = to, function
        return function

    return register


def carry_forward(consumer: str, envelope: Envelope) -> Envelope:
    """Return the event in the latest version that upcasters lead to: its type and data, all else as it was.

    Raises ValueError for data that is not JSON, and whatever an upcaster raises.
    """
    upcasters = _UPCASTERS.get(consumer, {})
    if envelope.type not in upcasters:
        return envelope
    event_type, data = envelope.type, from_json(envelope.data, allow_inf_nan=False)
    while event_type in upcasters:
        event_type, upcaster = upcasters[event_type]
        data = upcaster(data)
    return envelope._replace(type=event_type, data=to_json(data))


def all_upcasters() -> Iterator[tuple[str, str, str]]:
    """Yield (consumer, from, to) of every declaration, for the checks."""
    for consumer, upcasters in _UPCASTERS.items():
        for event_type, (to, _) in upcasters.items():
            yield consumer, event_type, to


def _version(event_type: str) -> int:
    digits = event_type.removeprefix(without_version(event_type)).removeprefix(".v")
    return int(digits) if digits else 0
