"""A publisher without a broker. It passes the same contract suite as the Kafka publisher."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from outbox.delivery import OffsetRanges, check_partition_count
from outbox.envelope import parse_sequence
from outbox.exceptions import RecordRefusedError
from outbox.page import Record
from outbox.partitioner import partition_of
from outbox.publisher import Progress


class MemoryPublisher:
    """A Publisher whose broker is `log`: {(topic, partition): records}, an offset being the place in the list.

    topics: the declared partition counts. existing: what the broker has, by default the same.
    max_value_bytes: what it takes at most, as a broker's message.max.bytes. topic_ids: of topics that were made again.
    """

    promise = "in memory: for tests"

    def __init__(
        self, *, topics: Mapping[str, int], existing: Mapping[str, int] | None = None, max_value_bytes: int = 1_000_000
    ) -> None:
        self.log: dict[tuple[str, int], list[Record]] = defaultdict(list)
        self.topic_ids: dict[str, str] = {}
        self._declared = topics
        self._existing = topics if existing is None else existing
        self._max_value_bytes = max_value_bytes

    def check_topics(self, *, while_waiting: Callable[[], None]) -> dict[str, str]:
        """See outbox.publisher.Publisher."""
        return self.glance_at_topics()

    def glance_at_topics(self) -> dict[str, str]:
        """See outbox.publisher.Publisher. Answers at once."""
        for topic, declared in self._declared.items():
            check_partition_count(topic, self._existing.get(topic, 0), declared)
        return {topic: self.topic_ids.get(topic, topic) for topic in self._declared}

    def take_over(self) -> Progress | None:
        """See outbox.publisher.Publisher. Keeps no progress."""
        return None

    def read_newest(self, *, source: str, while_waiting: Callable[[], None]) -> tuple[int, int] | None:
        """See outbox.publisher.Publisher."""
        tails: list[dict[str, Any]] = [dict(log[-1].headers) for log in self.log.values() if log]
        ours = [tail["ce_sequence"].decode() for tail in tails if tail["ce_source"] == source.encode()]
        return max((parse_sequence(sequence)[:2] for sequence in ours), default=None)

    def publish(self, page: Iterable[Record], *, progress: Progress, while_waiting: Callable[[], None]) -> OffsetRanges:
        """See outbox.publisher.Publisher. A record over max_value_bytes is refused, with its page."""
        records = list(page)
        if refused := [record.position for record in records if len(record.value) > self._max_value_bytes]:
            raise RecordRefusedError(f"position {refused[0]} has more than {self._max_value_bytes} bytes")
        offsets: OffsetRanges = {}
        for record in records:
            partition = partition_of(record.key, self._existing[record.topic])
            self.log[record.topic, partition].append(record)
            offset = len(self.log[record.topic, partition]) - 1
            offsets.setdefault(record.topic, {}).setdefault(partition, [offset, offset])[1] = offset
        return offsets

    def close(self) -> None:
        """See outbox.publisher.Publisher."""
