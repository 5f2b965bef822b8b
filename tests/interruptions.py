"""What happens to a consumer in the middle of its work, and when it may stop."""

from collections.abc import Callable
from threading import Event
from typing import Any

from django.db import connection


class Until(Event):
    """A stop signal that is set once the condition holds; knows how long the consumer asked to wait."""

    def __init__(self, condition: Callable[[], bool], *, rounds: int = 100) -> None:
        super().__init__()
        self.condition = condition
        self.most = rounds
        self.waits: list[float] = []
        self.rounds = 0

    def is_set(self) -> bool:
        self.rounds += 1
        assert self.rounds < self.most, f"not done after {self.most} rounds"
        return self.condition()

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout or 0)
        return super().wait(timeout)


class Once:
    """An execute_wrapper that calls `act` before the first statement that begins so."""

    def __init__(self, beginning: str, act: Callable[[], object]) -> None:
        self.beginning = beginning
        self.act = act
        self.is_done = False

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(self.beginning) and not self.is_done:
            self.is_done = True
            self.act()
        return execute(sql, params, many, context)


def terminate_backend() -> None:
    """As an operator, a fail-over or a time-out of the server would."""
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
    other.close()
