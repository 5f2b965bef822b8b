"""One suite for the in-memory and the Kafka publisher: what the relay may rely on."""

from collections import defaultdict
from collections.abc import Callable

import pytest

from outbox.delivery import OffsetRanges
from outbox.exceptions import TopicMismatchError
from outbox.page import Record
from outbox.publisher import KafkaPublisher, Progress, Publisher
from outbox.testing import MemoryPublisher
from tests.topics import Topics

TOPIC = "payments.payment"
PARTITIONS = {"payments.payment": 6, "billing.invoice": 6}
PROGRESS = Progress(1, 1, 0, 40)
Make = Callable[..., Publisher]
Places = Callable[[Publisher], list[tuple[int, int, bytes, bytes]]]


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.kafka)])
def make(request: pytest.FixtureRequest) -> Make:
    """A factory of publishers: topics=... declares others than there are."""
    if request.param == "memory":
        return lambda topics=PARTITIONS: MemoryPublisher(topics=topics, existing=PARTITIONS)
    kafka = request.getfixturevalue("kafka")
    request.getfixturevalue("topics")
    return lambda topics=PARTITIONS: KafkaPublisher(bootstrap_servers=kafka, topics=topics)


@pytest.fixture
def places(request: pytest.FixtureRequest) -> Places:
    """(partition, offset, key, value) of everything published by now."""

    def read(publisher: Publisher) -> list[tuple[int, int, bytes, bytes]]:
        if isinstance(publisher, MemoryPublisher):
            logs = publisher.log.items()
            return [(p, offset, r.key, r.value) for (_, p), log in logs for offset, r in enumerate(log)]
        topics: Topics = request.getfixturevalue("topics")
        return [(m.partition, m.offset, m.key or b"", m.value or b"") for m in topics.read()]

    return read


def records(count: int, *, keys: int = 5) -> list[Record]:
    return [
        Record(n, TOPIC, f"key-{n % keys}".encode(), f"value-{n}".encode(), [("ce_id", str(n).encode())])
        for n in range(count)
    ]


def nothing() -> None:
    """There is nothing to do while waiting."""


def test_records_of_a_key_are_in_one_partition_in_the_order_of_the_page(make: Make, places: Places) -> None:
    publisher, page = make(), records(40)
    publisher.publish(page, progress=PROGRESS, while_waiting=nothing)
    by_key = defaultdict(list)
    for partition, _, key, value in sorted(places(publisher)):
        by_key[key].append((partition, value))
    for key, found in by_key.items():
        assert len({partition for partition, _ in found}) == 1
        assert [value for _, value in found] == [record.value for record in page if record.key == key]


def test_the_offset_ranges_enclose_exactly_what_was_published(make: Make, places: Places) -> None:
    publisher = make()
    publisher.publish(records(3), progress=PROGRESS, while_waiting=nothing)
    before = {(partition, offset) for partition, offset, *_ in places(publisher)}
    ranges = publisher.publish(records(40), progress=PROGRESS, while_waiting=nothing)
    fresh = {(partition, offset) for partition, offset, *_ in places(publisher)} - before
    assert fresh == {(partition, offset) for partition, offset in expand(ranges)}


def test_an_empty_page_is_nothing(make: Make) -> None:
    assert make().publish([], progress=PROGRESS, while_waiting=nothing) == {}


def test_declared_topics_that_are_there_pass_the_check(make: Make) -> None:
    assert make().check_topics(while_waiting=nothing).keys() == PARTITIONS.keys()


@pytest.mark.parametrize(
    ("declared", "message"),
    [({"payments.refund": 6}, "run manage.py make_topics"), ({TOPIC: 12}, "keys would move between partitions")],
)
def test_a_topic_that_is_not_as_declared_is_refused(make: Make, declared: dict[str, int], message: str) -> None:
    with pytest.raises(TopicMismatchError, match=message):
        make(topics=declared).check_topics(while_waiting=nothing)


def test_a_publisher_that_was_closed_begins_again(make: Make, places: Places) -> None:
    publisher = make()
    publisher.publish(records(2), progress=PROGRESS, while_waiting=nothing)
    publisher.close()
    publisher.publish(records(2), progress=PROGRESS, while_waiting=nothing)
    assert len(places(publisher)) == 4


def expand(ranges: OffsetRanges) -> list[tuple[int, int]]:
    """Every (partition, offset) inside the ranges of the one topic."""
    return [(p, offset) for p, (low, high) in ranges[TOPIC].items() for offset in range(low, high + 1)]
