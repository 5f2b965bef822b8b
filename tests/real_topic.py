"""A topic of the test's own on the real broker, that it may delete, make again and grow."""

from contextlib import suppress
from uuid import uuid4

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions, NewTopic

from tests.conditions import wait_until


class RealTopic:
    """A topic of the test's own on the real broker."""

    def __init__(self, address: str, *, partitions: int, config: dict[str, str] | None = None) -> None:
        self.name = f"tests.topic-{uuid4()}"
        self.admin = AdminClient({"bootstrap.servers": address, "log_level": 3})
        self._config = config or {}
        self.make(partitions)

    def make(self, partitions: int) -> None:
        """Make it, once one that is being deleted is gone; return when the broker tells of it."""
        wait_until(lambda: self._is_made(partitions), what=f"{self.name} is made")
        wait_until(lambda: self.name in self.admin.list_topics(timeout=10).topics, what=f"{self.name} is known")

    def delete(self) -> None:
        self.admin.delete_topics([self.name])[self.name].result(30)

    def grow(self, partitions: int) -> None:
        self.admin.create_partitions([NewPartitions(self.name, partitions)])[self.name].result(30)

    def _is_made(self, partitions: int) -> bool:
        with suppress(KafkaException):
            self.admin.create_topics([NewTopic(self.name, partitions, 1, config=self._config)])[self.name].result(30)
            return True
        return False
