"""The ends of the topics: what was published last, whoever says so."""

from collections.abc import Callable, Mapping

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from outbox.envelope import decode, parse_sequence, read_headers
from outbox.exceptions import PublishFailedError

_SECONDS = 10
_CONSUMER = {
    "group.id": "outbox.tails", "enable.auto.commit": False, "isolation.level": "read_committed", "log_level": 3,
    "enable.partition.eof": True,
    "fetch.wait.max.ms": 10,  # an end is told by an answer without records, for which the broker waits so long
}  # fmt: skip
#: How far back the last event of ours is looked for, in records a partition: others may write to the topic too.
_REACHES = (16, 1_000, 10_000)
Place = tuple[str, int]


def read_newest(
    bootstrap_servers: str, topics: Mapping[str, int], *, source: str, while_waiting: Callable[[], None]
) -> tuple[int, int] | None:
    """Return (generation, window) of the newest committed event of the source at the topics' ends; None: there is none.

    while_waiting is called between the broker's answers. Raises PublishFailedError when it does not answer.
    """
    kafka = Consumer(_CONSUMER | {"bootstrap.servers": bootstrap_servers})
    try:
        return _Search(kafka, source, while_waiting).run(topics)
    except KafkaException as error:
        raise PublishFailedError(f"the ends of {', '.join(topics)} cannot be read: {error}") from error
    finally:
        kafka.close()


class _Search:
    """Looks at the last records of every partition, then further back where none of them is ours."""

    def __init__(self, kafka: Consumer, source: str, while_waiting: Callable[[], None]) -> None:
        self._kafka = kafka
        self._source = source
        self._while_waiting = while_waiting
        self._found: dict[Place, tuple[int, int]] = {}

    def run(self, topics: Mapping[str, int]) -> tuple[int, int] | None:
        marks = {
            (topic, number): self._watermarks(topic, number) for topic in topics for number in range(topics[topic])
        }
        for reach in _REACHES:
            starts = {place: max(low, high - reach) for place, (low, high) in marks.items() if place not in self._found}
            self._read({place: start for place, start in starts.items() if start < marks[place][1]})
            marks = {place: mark for place, mark in marks.items() if mark[1] - mark[0] > reach}
        return max(self._found.values(), default=None)

    def _read(self, starts: dict[Place, int]) -> None:
        waiting = set(starts)
        self._kafka.assign([TopicPartition(*place, start) for place, start in starts.items()])
        while waiting:
            message = self._kafka.poll(_SECONDS)
            self._while_waiting()
            if message is None:
                raise PublishFailedError(f"the ends of {sorted(waiting)} cannot be read: no answer within {_SECONDS} s")
            place = (str(message.topic()), int(message.partition() or 0))
            if message.error():
                waiting.discard(place)  # the end of this partition
            elif (sequence := _sequence_of(message, self._source)) is not None:
                self._found[place] = max(self._found.get(place, (0, 0)), sequence)

    def _watermarks(self, topic: str, number: int) -> tuple[int, int]:
        low, high = self._kafka.get_watermark_offsets(TopicPartition(topic, number), timeout=_SECONDS)
        self._while_waiting()
        return int(low), int(high)


def _sequence_of(message: Message, source: str) -> tuple[int, int] | None:
    """Return generation and window of an event of the source; None for what somebody else wrote, whatever it is."""
    try:
        event = decode(read_headers(message), key=None, value=message.value())
        return parse_sequence(event.sequence or "")[:2] if event.source == source else None
    except ValueError:
        return None
