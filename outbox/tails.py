"""The ends of the topics: what was published last, whoever says so."""

from collections.abc import Mapping

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from outbox.envelope import decode, parse_sequence, read_headers
from outbox.exceptions import PublishFailedError

_SECONDS = 10
#: How far back the last event of ours is looked for, in records a partition: others may write to the topic too.
_REACHES = (16, 1_000, 10_000)
Place = tuple[str, int]


def read_newest(bootstrap_servers: str, topics: Mapping[str, int], *, source: str) -> tuple[int, int] | None:
    """Return (generation, window) of the newest committed event of the source at the topics' ends; None: there is none.

    Raises PublishFailedError when the broker does not answer.
    """
    settings = {
        "bootstrap.servers": bootstrap_servers, "group.id": "outbox.tails", "enable.partition.eof": True,
        "enable.auto.commit": False, "isolation.level": "read_committed", "log_level": 3,
    }  # fmt: skip
    kafka = Consumer(settings)
    try:
        places = [(topic, number) for topic, count in topics.items() for number in range(count)]
        return _search(kafka, {place: _watermarks(kafka, place) for place in places}, source)
    except KafkaException as error:
        raise PublishFailedError(f"the ends of {', '.join(topics)} cannot be read: {error}") from error
    finally:
        kafka.close()


def _search(kafka: Consumer, marks: dict[Place, tuple[int, int]], source: str) -> tuple[int, int] | None:
    found: dict[Place, tuple[int, int]] = {}
    for reach in _REACHES:
        starts = {place: max(low, high - reach) for place, (low, high) in marks.items() if place not in found}
        found |= _read(kafka, {place: start for place, start in starts.items() if start < marks[place][1]}, source)
    return max(found.values(), default=None)


def _read(kafka: Consumer, starts: dict[Place, int], source: str) -> dict[Place, tuple[int, int]]:
    found: dict[Place, tuple[int, int]] = {}
    waiting = set(starts)
    kafka.assign([TopicPartition(*place, start) for place, start in starts.items()])
    while waiting:
        message = kafka.poll(_SECONDS)
        if message is None:
            raise PublishFailedError(f"the ends of {sorted(waiting)} cannot be read: no answer within {_SECONDS} s")
        place = (str(message.topic()), int(message.partition() or 0))
        if message.error():
            waiting.discard(place)  # the end of this partition
            continue
        if (sequence := _sequence_of(message, source)) is not None:
            found[place] = max(found.get(place, (0, 0)), sequence)
    return found


def _sequence_of(message: Message, source: str) -> tuple[int, int] | None:
    """Return generation and window of an event of the source; None for what somebody else wrote, whatever it is."""
    try:
        event = decode(read_headers(message), key=None, value=message.value())
        return parse_sequence(event.sequence or "")[:2] if event.source == source else None
    except ValueError:
        return None


def _watermarks(kafka: Consumer, place: Place) -> tuple[int, int]:
    low, high = kafka.get_watermark_offsets(TopicPartition(*place), timeout=_SECONDS)
    return int(low), int(high)
