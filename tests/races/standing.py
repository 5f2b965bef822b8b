"""A call on a thread and a connection of its own that stands still behind one of its statements until told to go on."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any, Generic, TypeVar

from django.db import connection

from tests.conditions import wait_until

T = TypeVar("T")
_SECONDS = 60
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


class Standing(Generic[T]):
    """`call` begins at once. When it has run the statement `after` it stands until go_on(); without one it runs on."""

    def __init__(self, call: Callable[[], T], *, after: str = "") -> None:
        self._call = call
        self._after = after
        self._reached, self._order = Event(), Event()
        self._thread = ThreadPoolExecutor(1)
        self._result = self._thread.submit(self._run)

    def stands(self) -> None:
        """Return when it stands; fail when it never does."""
        assert self._reached.wait(_SECONDS), self._result

    def waits_for_a_lock(self) -> None:
        """Return when somebody waits for a lock of somebody else; fail when nobody does."""
        wait_until(lambda: self._result.done() or is_anyone_waiting(), what="nobody waits for a lock")
        assert not self._result.done(), "it did not wait"

    def go_on(self) -> None:
        self._order.set()

    def result(self) -> T:
        """What the call returned, in the end; raises what it raised."""
        self.go_on()
        try:
            return self._result.result(_SECONDS)
        finally:
            self._thread.submit(lambda: connection.close())
            self._thread.shutdown()

    def _run(self) -> T:
        with connection.execute_wrapper(self._statement):
            return self._call()

    def _statement(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        answer = execute(sql, params, many, context)
        if sql == self._after:
            self._reached.set()
            assert self._order.wait(_SECONDS), "nobody told it to go on"
        return answer


def is_anyone_waiting() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(WAITING)
        return bool(cursor.fetchone()[0])
