"""The offsets as Kafka is shown them, for its dashboards only: they are never read back."""

import time

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition

from inbox.receiving import Partition

logger = structlog.get_logger(__name__)
#: Once a batch, where batches are small, is as much work for the broker as fetching is.
_SECONDS = 1.0


class ShownOffsets:
    """What was committed in the database and is not shown yet. Never ahead of the database."""

    def __init__(self, kafka: Consumer) -> None:
        self._kafka = kafka
        self._waiting: dict[Partition, int] = {}
        self._shown_at = 0.0

    def note(self, moved: dict[Partition, int]) -> None:
        """Show these with the next ones, once a second."""
        self._waiting |= moved
        if time.monotonic() - self._shown_at >= _SECONDS:
            self.show()

    def forget(self, partition: Partition) -> None:
        """Another process has the partition now, and shows its own."""
        self._waiting.pop(partition, None)

    def show(self) -> None:
        """Show what waits; does not wait for the broker, and does without it."""
        offsets = [TopicPartition(topic, partition, offset) for (topic, partition), offset in self._waiting.items()]
        self._waiting, self._shown_at = {}, time.monotonic()
        try:
            if offsets:
                self._kafka.commit(offsets=offsets, asynchronous=True)
        except KafkaException as error:
            logger.debug("offsets not shown to Kafka", error=str(error))
