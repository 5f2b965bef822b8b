"""Handlers: what an event does to this service's tables.

    @handles("payments.payment.captured.v1", PaymentCaptured)
    def settle_invoice(captured: PaymentCaptured, envelope: Envelope) -> None: ...

    @handles("payments.payment.captured.v1", PaymentCaptured, batch=True)
    def count_captured(run: list[tuple[PaymentCaptured, Envelope]]) -> None: ...

A handler runs inside the transaction that remembers the event and moves the offset. It writes to the database and
records events; it never touches the network. Its consumer is the app that it is declared in.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, NamedTuple, TypeVar, overload

from pydantic import BaseModel

from inbox.exceptions import HandlerNotFoundError
from outbox.envelope import Envelope, ManyCauses, current_cause

Model = TypeVar("Model", bound=BaseModel)
Single = Callable[[Model, Envelope], None]
Batch = Callable[[list[tuple[Model, Envelope]]], None]
Event = tuple[BaseModel, Envelope]
_VERSION = re.compile(r"\.v\d+$")


class Handler(NamedTuple):
    """A function, the tolerant model of what it reads, and whether it takes a run of events at once."""

    model: type[BaseModel]
    function: Callable[..., None]
    is_batch: bool

    def read(self, envelope: Envelope) -> BaseModel:
        """Return the event's data as the model. Raises pydantic.ValidationError when it does not fit."""
        return self.model.model_validate_json(envelope.data)

    def run(self, events: Sequence[Event]) -> None:
        """Call the function with one event or, for a batch handler, with a list of them in offset order.

        The event becomes the cause of what is recorded; with many, record() insists on being told.
        """
        token = current_cause.set(ManyCauses.NAMED_BY_EACH if self.is_batch else events[0][1])
        try:
            self.function(*([list(events)] if self.is_batch else events[0]))
        finally:
            current_cause.reset(token)


_HANDLERS: dict[str, dict[str, Handler]] = {}


@overload
def handles(
    event_type: str, model: type[Model], *, batch: Literal[False] = False
) -> Callable[[Single[Model]], Single[Model]]: ...
@overload
def handles(event_type: str, model: type[Model], *, batch: Literal[True]) -> Callable[[Batch[Model]], Batch[Model]]: ...
def handles(event_type: str, model: type[BaseModel], *, batch: bool = False) -> Callable[[Any], Any]:
    """Declare the decorated function as the handler of an event type, fed with `model`.

    batch: it takes a run, a list of (model, envelope) in offset order, for effects that one statement has on many
    rows. A run ends before another handler's event whose key is in it, so that a key's order holds between handlers;
    within the run the function keeps it. A run whose function fails is undone and cut, until the one that fails stands
    alone. Raises ValueError when the consumer has a handler for the type already, TypeError when `model` is no pydantic
    model.
    """
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise TypeError(f"{event_type}: {model!r} is not a pydantic model; declare one of what the handler reads")

    def register(function: Callable[..., None]) -> Callable[..., None]:
        handlers = _HANDLERS.setdefault(consumer_of(function), {})
        if event_type in handlers:
            raise ValueError(f"{event_type} has two handlers: {handlers[event_type].function} and {function}")
        handlers[event_type] = Handler(model, function, batch)
        return function

    return register


def consumer_of(function: Callable[..., Any]) -> str:
    """Return the consumer that a declaration belongs to: the app that the function stands in."""
    return function.__module__.partition(".")[0]


def find_handler(consumer: str, event_type: str) -> Handler | None:
    """Return the handler; None for a type that this consumer does not care for.

    Raises HandlerNotFoundError for another version of a type it does care for: skipping that would lose an effect.
    """
    handlers = _HANDLERS.get(consumer, {})
    if event_type not in handlers and cares_for(consumer, event_type):
        raise HandlerNotFoundError(
            f"{event_type!r} has no handler in {consumer!r}; known: {', '.join(sorted(handlers))}"
        )
    return handlers.get(event_type)


def cares_for(consumer: str, event_type: str) -> bool:
    """Return whether the consumer handles the type in any version."""
    handlers = _HANDLERS.get(consumer, {})
    return event_type in handlers or any(without_version(event_type) == without_version(known) for known in handlers)


def without_version(event_type: str) -> str:
    """Return the type's name without its `.v<N>`; a foreign type without one is its own name."""
    return _VERSION.sub("", event_type)


def all_handlers() -> Iterator[tuple[str, str, Handler]]:
    """Yield (consumer, event type, handler) of every declaration, for the checks."""
    for consumer, handlers in _HANDLERS.items():
        for event_type, handler in handlers.items():
            yield consumer, event_type, handler
