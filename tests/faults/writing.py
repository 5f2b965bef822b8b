"""Business transactions that go on while something breaks."""

from threading import Event, Thread
from typing import Self

from django.db import DatabaseError, InterfaceError, connection

from tests.conditions import wait_until
from tests.purchases import capture


class Writer:
    """Two transactions and two events a payment, one payment after the other; a broken connection is replaced.

    `committed` counts payments whose commits were acknowledged.
    """

    def __init__(self, *, first: int = 1000) -> None:
        self.committed = 0
        self._next = first
        self._stop = Event()
        self._thread = Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)

    def wait_for(self, count: int) -> None:
        """Return when so many more payments are committed."""
        wanted = self.committed + count
        wait_until(lambda: self.committed >= wanted, what=f"{wanted} payments")

    def _run(self) -> None:
        while not self._stop.wait(0.005):  # about a hundred events a second: the relay keeps up
            try:
                capture(self._next)
                self.committed += 1
            except (DatabaseError, InterfaceError):
                connection.close()
            self._next += 1
        connection.close()
