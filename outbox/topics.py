"""The declared topics as the broker has them: how many partitions each has, and its id.

A topic that was deleted and made again has the same name, no records, and another id (KIP-516).
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from outbox.delivery import check_partition_count
from outbox.exceptions import PublishFailedError

_ANSWER_SECONDS = 10.0
_WAIT_SECONDS = 0.1


class TopicInquiry:
    """One question at a time to the broker about the declared topics; the answer comes in the background."""

    def __init__(self, *, bootstrap_servers: str, topics: Mapping[str, int]) -> None:
        self._servers = bootstrap_servers
        self._topics = topics
        self._admin: AdminClient | None = None  # made at the first use, as the producer
        self._answers: dict[str, Future[Any]] = {}

    def wait(self, while_waiting: Callable[[], None]) -> dict[str, str]:
        """Ask anew and return the id of each topic. Raises TopicMismatchError, PublishFailedError without an answer."""
        self._ask()
        while wait(self._answers.values(), timeout=_WAIT_SECONDS).not_done:
            while_waiting()
        return self._take()

    def glance(self) -> dict[str, str] | None:
        """Return the ids when the question of an earlier glance is answered, else None. Raises TopicMismatchError."""
        if not self._answers:
            self._ask()
        if all(answer.done() for answer in self._answers.values()):
            with suppress(PublishFailedError):  # a broker that is away: publishing waits for it, and so does this
                return self._take()
        return None

    def close(self) -> None:
        """Let the connection go."""
        self._admin, self._answers = None, {}

    def _ask(self) -> None:
        if self._admin is None:  # kept: one that is forgotten takes its open questions along
            self._admin = AdminClient({"bootstrap.servers": self._servers, "log_level": 3})
        self._answers = self._admin.describe_topics(
            TopicCollection(list(self._topics)), request_timeout=_ANSWER_SECONDS
        )

    def _take(self) -> dict[str, str]:
        answers, self._answers = self._answers, {}
        found = {topic: self._read(topic, answer) for topic, answer in answers.items()}
        for topic, declared in self._topics.items():
            check_partition_count(topic, found[topic][1], declared)
        return {topic: topic_id for topic, (topic_id, _) in found.items()}

    def _read(self, topic: str, answer: Future[Any]) -> tuple[str, int]:
        """Return id and partition count; a topic that is missing has none."""
        try:
            description = answer.result()
        except KafkaException as error:
            if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                return "", 0
            raise PublishFailedError(
                f"no broker answers at {self._servers} what topic {topic!r} is: {error}"
            ) from error
        return str(description.topic_id), len(description.partitions)
