"""Handlers: what an event does to this service's tables.

    @handles("payments.payment.captured.v1", PaymentCaptured)
    def settle_invoice(captured: PaymentCaptured, envelope: Envelope) -> None: ...

A handler runs inside the transaction that remembers the event and moves the offset. It writes to the database and
records events; it never touches the network. Its consumer is the app that it is declared in.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel

from inbox.exceptions import HandlerNotFoundError
from outbox.envelope import Envelope

Model = TypeVar("Model", bound=BaseModel)
Function = Callable[[Model, Envelope], None]


class Handler(NamedTuple):
    """A function and the tolerant model of what it reads."""

    model: type[BaseModel]
    function: Callable[[Any, Envelope], None]

    def apply(self, envelope: Envelope) -> None:
        """Run on the event. Raises pydantic.ValidationError when the data does not fit the model."""
        self.function(self.model.model_validate_json(envelope.data), envelope)


_HANDLERS: dict[str, dict[str, Handler]] = {}


def handles(event_type: str, model: type[Model]) -> Callable[[Function[Model]], Function[Model]]:
    """Declare the decorated function as the handler of an event type, fed with `model`.

    Raises ValueError when the consumer has a handler for the type already.
    """

    def register(function: Function[Model]) -> Function[Model]:
        handlers = _HANDLERS.setdefault(function.__module__.partition(".")[0], {})
        if event_type in handlers:
            raise ValueError(f"{event_type} has two handlers: {handlers[event_type].function} and {function}")
        handlers[event_type] = Handler(model, function)
        return function

    return register


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
    name = event_type.rpartition(".")[0]
    return any(known.rpartition(".")[0] == name for known in _HANDLERS.get(consumer, {}))


def has_handlers(consumer: str) -> bool:
    """Return whether any handler is declared for the consumer."""
    return bool(_HANDLERS.get(consumer))
