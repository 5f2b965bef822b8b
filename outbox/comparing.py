"""What of ours is on the topics that the log may not know of: read to their ends, matched by event id."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from outbox import rebasing_sql as sql
from outbox.delivery import OffsetRanges
from outbox.envelope import parse_sequence
from outbox.topic_reader import Partition, TopicReader, WireRecord

#: How many of a class a person is shown.
FIRST = 20
#: By header name, as they came: all that is asked of millions of records.
Attributes = dict[str, bytes | None]
_AT_ONCE = 1_000  # records that are looked up in one statement


class Stray(NamedTuple):
    """A record of ours whose row is nowhere in the log: its place, and what stands on it."""

    topic: str
    partition: int
    offset: int
    event_type: str
    event_id: str
    key: str
    time: str


@dataclass(kw_only=True)
class Comparison:
    """What the topics hold.

    positions: of the log's rows that were met. strays: the first of `stray_count`. newest: the highest (generation,
    window) that was met. offsets: an empty range behind the last record of each partition, to go on from.
    """

    positions: set[int] = field(default_factory=set)
    strays: list[Stray] = field(default_factory=list)
    stray_count: int = 0
    newest: tuple[int, int] = (0, 0)
    offsets: OffsetRanges = field(default_factory=dict)


class Comparing:
    """Reads partitions and matches what it finds there with the log.

    floor: the lowest position that the log keeps; what lies below was published and pruned.
    while_waiting is called between records.
    """

    def __init__(self, reader: TopicReader, *, source: str, floor: int, while_waiting: Callable[[], None]) -> None:
        self._reader = reader
        self._source = source
        self._floor = floor
        self._while_waiting = while_waiting
        self._found = Comparison()

    def run(self, topics: Mapping[str, int], *, is_whole: bool) -> Comparison:
        """Read what no page of the log tells of, or all that the topics have. Raises TopicUnreadableError.

        topics: the declared partition counts.
        """
        known = {} if is_whole else _read_known_offsets()
        places = [(topic, number) for topic, count in topics.items() for number in range(count)]
        spans = {place: self._span(place, known.get(place, -1) + 1) for place in places}
        batch: list[tuple[WireRecord, Attributes]] = []
        for record in self._reader.read(spans):
            self._while_waiting()
            attributes = dict(record.headers)
            if attributes.get("ce_source") == self._source.encode():
                batch.append((record, attributes))
            if len(batch) == _AT_ONCE:
                self._match(batch)
                batch = []
        self._match(batch)
        return self._found

    def _span(self, place: Partition, start: int) -> tuple[int, int]:
        low, high = self._reader.read_bounds(place)
        self._while_waiting()
        self._found.offsets.setdefault(place[0], {})[place[1]] = [high, high - 1]
        # Beyond the end: the topic was made again, or lost its tail, and what is known of it says nothing.
        return (max(low, start) if start <= high else low), high - 1

    def _match(self, batch: Sequence[tuple[WireRecord, Attributes]]) -> None:
        ids = [_text(attributes.get("ce_id")) for _, attributes in batch]
        known = _look_up([event_id for event_id in ids if _is_uuid(event_id)], self._source)
        for event_id, (record, attributes) in zip(ids, batch, strict=True):
            generation, window, position = _sequence(attributes)
            self._found.newest = max(self._found.newest, (generation, window))
            if event_id in known:
                self._found.positions.add(known[event_id])
            elif position >= self._floor:
                self._add_stray(record, attributes)

    def _add_stray(self, record: WireRecord, attributes: Attributes) -> None:
        self._found.stray_count += 1
        if len(self._found.strays) < FIRST:
            event_type, event_id, time = (_text(attributes.get(f"ce_{name}")) for name in ("type", "id", "time"))
            place = (*record.partition, record.offset)
            self._found.strays.append(Stray(*place, event_type, event_id, _text(record.key), time))


def _read_known_offsets() -> dict[Partition, int]:
    with connection.cursor() as cursor:
        cursor.execute(sql.KNOWN_OFFSETS)
        return {(topic, number): last for topic, number, last in cursor.fetchall()}


def _look_up(ids: list[str], source: str) -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(sql.LOOK_UP, {"ids": ids, "source": source})
        return dict(cursor.fetchall())


def _sequence(attributes: Attributes) -> tuple[int, int, int]:
    """Without one that can be read it is nobody's window, and its position is above every floor."""
    try:
        return parse_sequence(_text(attributes.get("ce_sequence")))
    except ValueError:
        return 0, 0, 2**63 - 1


def _text(value: bytes | None) -> str:
    return (value or b"").decode(errors="backslashreplace")


def _is_uuid(text: str) -> bool:
    """As the log writes it: anything else is no id of a row, and would end the look-up."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
