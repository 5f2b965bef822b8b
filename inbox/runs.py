"""Runs: consecutive events for one batch handler, applied at once, so that order by key holds between handlers."""

from collections.abc import Callable
from typing import NamedTuple

from inbox.handlers import Event, Handler
from inbox.record import OrderedKey


class _Run(NamedTuple):
    """Events that wait for their handler, and the keys that they have."""

    events: list[Event]
    keys: set[OrderedKey]


class Runs:
    """The open runs of a batch. Each is applied when another handler's event has one of its keys, or at the end.

    run: what applies events of a handler, as Handler.run does.
    """

    def __init__(self, run: Callable[[Handler, list[Event]], None]) -> None:
        self._run = run
        self._open: dict[Handler, _Run] = {}

    def add(self, handler: Handler, event: Event, key: OrderedKey) -> None:
        """Apply the event, or let it wait in its handler's run. Raises what a handler raises."""
        run = self._open.get(handler)
        if len(self._open) > (run is not None):
            self._end_others(handler, key)
        if not handler.is_batch:
            self._run(handler, [event])
            return
        if run is None:
            run = self._open[handler] = _Run([], set())
        run.events.append(event)
        if key.partition_key:  # without a key no order is promised
            run.keys.add(key)

    def finish(self) -> None:
        """Apply what still waits. Raises what a handler raises."""
        for handler in list(self._open):
            self._end(handler)

    def _end_others(self, handler: Handler, key: OrderedKey) -> None:
        for other in [other for other, run in self._open.items() if other is not handler and key in run.keys]:
            self._end(other)

    def _end(self, handler: Handler) -> None:
        self._run(handler, self._open.pop(handler).events)
