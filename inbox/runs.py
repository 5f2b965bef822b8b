"""Runs: consecutive events for one batch handler, applied at once, so that order by key holds between handlers."""

from inbox.handlers import Event, Handler
from inbox.record import OrderedKey


class Runs:
    """The open runs of a batch. Each is applied when another handler's event has one of its keys, or at the end."""

    def __init__(self) -> None:
        self._events: dict[Handler, list[Event]] = {}
        self._keys: dict[Handler, set[OrderedKey]] = {}

    def add(self, handler: Handler, event: Event, key: OrderedKey) -> None:
        """Apply the event, or let it wait in its handler's run. Raises what a handler raises."""
        self._end_others(handler, key)
        if not handler.is_batch:
            handler.run([event])
            return
        self._events.setdefault(handler, []).append(event)
        if key.partition_key:  # without a key no order is promised
            self._keys.setdefault(handler, set()).add(key)

    def finish(self) -> None:
        """Apply what still waits. Raises what a handler raises."""
        for handler in list(self._events):
            self._end(handler)

    def _end_others(self, handler: Handler, key: OrderedKey) -> None:
        for other in [other for other, keys in self._keys.items() if other is not handler and key in keys]:
            self._end(other)

    def _end(self, handler: Handler) -> None:
        self._keys.pop(handler, None)
        handler.run(self._events.pop(handler))
