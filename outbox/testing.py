"""For tests of your own: a publisher without a broker. It passes the same contract suite as the Kafka publisher."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from outbox.exceptions import TopicMismatchError
from outbox.page import Record
from outbox.partitioner import partition_of
from outbox.publisher import OffsetRanges, add_offset


class MemoryPublisher:
    """A Publisher whose broker is `log`: {(topic, partition): records}, an offset being the place in the list.

    topics: the declared partition counts. existing: what the broker has, by default the same.
    """

    def __init__(self, *, topics: Mapping[str, int], existing: Mapping[str, int] | None = None) -> None:
        self.log: dict[tuple[str, int], list[Record]] = defaultdict(list)
        self._declared = topics
        self._existing = topics if existing is None else existing

    def check_topics(self) -> None:
        """See outbox.publisher.Publisher."""
        for topic, declared in self._declared.items():
            count = self._existing.get(topic, 0)
            if count != declared:
                raise TopicMismatchError(
                    f"topic {topic!r} has {count} partitions, OUTBOX['TOPICS'] declares {declared}: "
                    + ("run manage.py make_topics" if count == 0 else "keys would move between partitions")
                )

    def publish(self, page: Sequence[Record], *, while_waiting: Callable[[], None]) -> OffsetRanges:
        """See outbox.publisher.Publisher."""
        offsets: OffsetRanges = {}
        for record in page:
            partition = partition_of(record.key, self._existing[record.topic])
            self.log[record.topic, partition].append(record)
            add_offset(offsets, record.topic, partition, len(self.log[record.topic, partition]) - 1)
        return offsets

    def close(self) -> None:
        """See outbox.publisher.Publisher."""
