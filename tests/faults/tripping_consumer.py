"""A consumer's client that reaches a step, with production code unchanged; and what comes before on_commit hooks."""

import os
from collections.abc import Callable
from typing import Any, ClassVar

import confluent_kafka
from django.db.backends.base.base import BaseDatabaseWrapper

from tests.faults.points import Step

#: Of the classic protocol the least that the broker grants a member; the other one is set in stack/kafka.py.
SESSION_SECONDS = {"classic": 6, "eager": 6, "consumer": 3}


class TrippingConsumer(confluent_kafka.Consumer):
    """Takes the place of the client's class in every victim that consumes.

    Its first batch is as large as it may be, not what the broker happened to have sent, so that points lie in it.
    """

    step: ClassVar[Step | None] = None
    reach: ClassVar[Callable[[], None]]
    _is_full: ClassVar[bool] = False
    _has_committed = False

    def __init__(self, settings: dict[str, Any]) -> None:
        if seconds := os.environ.get("FAULTS_POLL_SECONDS"):
            settings = settings | {"max.poll.interval.ms": int(seconds) * 1000}
        if settings["group.protocol"] == "classic":
            settings = settings | {"session.timeout.ms": SESSION_SECONDS["classic"] * 1000}
        super().__init__(settings)
        self._ends: list[Any] = []

    def subscribe(self, topics: list[str], *, on_assign: Callable[..., None], **callbacks: Any) -> None:  # type: ignore[override]
        def assigned(*args: Any) -> None:
            self._pass("assigning")
            on_assign(*args)
            self._pass("assigned")

        self._pass("subscribing")
        super().subscribe(topics, on_assign=assigned, **callbacks)

    def incremental_assign(self, *args: Any) -> None:
        self._pass("offsets known")
        super().incremental_assign(*args)

    def assign(self, *args: Any) -> None:
        self._pass("offsets known")
        super().assign(*args)

    def poll(self, *args: Any) -> Any:
        if self._has_committed:
            self._pass("polling")
        message = super().poll(*args)
        if message is not None and message.error() and not self._is_full:
            self._ends.append(message)
            return None
        return message

    def consume(self, num_messages: int = 1, timeout: float = -1) -> Any:
        if self._is_full:
            return super().consume(num_messages, timeout)
        TrippingConsumer._is_full = True
        return self._fill(num_messages)

    def _fill(self, count: int) -> list[Any]:
        """Return so many records, and the ends of partitions that lay between."""
        found = self._ends
        while missing := count - sum(message.error() is None for message in found):
            if not (more := super().consume(missing, 10)):
                break
            found += more
        return found

    def commit(self, **options: Any) -> Any:
        self._pass("committing")
        answer = super().commit(**options)
        self._has_committed = True
        self._pass("committed")
        return answer

    def _pass(self, when: str) -> None:
        if self.step is not None and when == self.step.when:
            type(self).reach()


def trip_hooks(reach: Callable[[], None]) -> Callable[..., None]:
    """Return a receiver of connection_created that reaches the point after each COMMIT, before on_commit hooks."""

    def arm(*, connection: BaseDatabaseWrapper, **_: Any) -> None:
        run_hooks = connection.run_and_clear_commit_hooks

        def reach_then_run() -> None:
            reach()
            run_hooks()

        connection.run_and_clear_commit_hooks = reach_then_run  # type: ignore[method-assign]

    return arm
