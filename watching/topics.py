"""Topics as the broker has them: how many partitions each has, and its id.

A topic that was deleted and made again has the same name, no records, and another id (KIP-516).
"""

from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import Any, NamedTuple

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from watching.exceptions import TopicsUnknownError

_ANSWER_SECONDS = 10.0
_WAIT_SECONDS = 0.1


class Topic(NamedTuple):
    """A topic's id, and how many partitions it has; 0 when there is no such topic."""

    id: str
    partitions: int


class TopicInquiry:
    """One question at a time to the broker about the topics of these names; the answer comes in the background."""

    def __init__(self, *, bootstrap_servers: str, topics: Iterable[str]) -> None:
        self._servers = bootstrap_servers
        self._names = list(topics)
        self._admin: AdminClient | None = None  # made at the first use: its threads do not survive a fork
        self._answers: dict[str, Future[Any]] = {}

    def wait(self, while_waiting: Callable[[], None] = lambda: None) -> dict[str, Topic]:
        """Ask anew and return what the broker says, within 10 s. Raises TopicsUnknownError.

        while_waiting is called about ten times a second until then.
        """
        self._ask()
        while wait(self._answers.values(), timeout=_WAIT_SECONDS).not_done:
            while_waiting()
        return self._take()

    def glance(self) -> dict[str, Topic] | None:
        """Return the answer to an earlier glance, once it is there; else None. Never waits, and never fails."""
        if not self._answers:
            self._ask()
        if all(answer.done() for answer in self._answers.values()):
            with suppress(TopicsUnknownError):  # a broker that is away is waited for by whoever works with it
                return self._take()
        return None

    def close(self) -> None:
        """Let the connection go."""
        self._admin, self._answers = None, {}

    def _ask(self) -> None:
        if self._admin is None:  # kept: one that is forgotten takes its open questions along
            self._admin = AdminClient({"bootstrap.servers": self._servers, "log_level": 3})
        self._answers = self._admin.describe_topics(TopicCollection(self._names), request_timeout=_ANSWER_SECONDS)

    def _take(self) -> dict[str, Topic]:
        answers, self._answers = self._answers, {}
        return {name: self._read(name, answer) for name, answer in answers.items()}

    def _read(self, name: str, answer: Future[Any]) -> Topic:
        try:
            description = answer.result()
        except KafkaException as error:
            if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                return Topic("", 0)
            raise TopicsUnknownError(f"no broker answers at {self._servers} about {name!r}: {error}") from error
        return Topic(str(description.topic_id), len(description.partitions))
