"""What is in hand when a partition is taken away or begins elsewhere: librdkafka calls back in the middle of a read."""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import confluent_kafka
import pytest
from confluent_kafka import TopicPartition

from inbox import source
from inbox.models import InboxEvent, InboxOffset
from tests.purchases import receive_until
from tests.stage import Stage

pytestmark = [pytest.mark.kafka, pytest.mark.parametrize("protocol", ["consumer", "classic", "eager"], indirect=True)]
TEXTS = [str(number) for number in range(20)]


class Rebalancing(confluent_kafka.Consumer):
    """The real client. What happens `then` happens once, when it has read a batch and not returned yet."""

    then: ClassVar[Callable[[Any], object] | None] = None
    in_hand: ClassVar[list[int]] = []

    def consume(self, num_messages: int = 1, timeout: float = -1) -> Any:
        messages = super().consume(num_messages, timeout)
        offsets = [int(message.offset() or 0) for message in messages if message.error() is None]
        if offsets and (act := Rebalancing.then):
            Rebalancing.then, Rebalancing.in_hand = None, offsets
            act(self)
        return messages


@pytest.fixture
def place(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[TopicPartition]:
    """Partition 0 of the stage's topic, with twenty events, assigned to a consumer that has read none."""
    monkeypatch.setattr(source, "KafkaConsumer", Rebalancing)
    for text in TEXTS:
        stage.send(text)
    yield TopicPartition(stage.topic.name, 0)
    Rebalancing.then = None


def opened(stage: Stage) -> source.KafkaSource:
    return stage.consumer._source or stage.consumer._open()


def test_what_was_in_hand_when_its_partition_went_is_not_received(stage: Stage, place: TopicPartition) -> None:
    Rebalancing.then = lambda kafka: opened(stage)._revoke(kafka, [place])
    receive_until(stage.consumer, lambda: Rebalancing.then is None)
    before = list(stage.applied)
    for _ in range(5):
        stage.consumer.run_once()
    assert stage.applied == before, f"{Rebalancing.in_hand} were in hand"
    assert len(before) < len(TEXTS)
    opened(stage)._assign(opened(stage)._kafka, [place])
    receive_until(stage.consumer, lambda: len(stage.applied) >= len(TEXTS))
    assert stage.applied == TEXTS


def test_what_was_in_hand_when_its_partition_came_back_further_on_is_read_from_there(
    stage: Stage, place: TopicPartition
) -> None:
    def go_on_at_ten(kafka: Any) -> None:
        opened(stage)._revoke(kafka, [place])
        InboxOffset.objects.filter(topic=place.topic, partition=0).update(next_offset=10)  # another consumer was here
        opened(stage)._assign(kafka, [place])

    Rebalancing.then = go_on_at_ten
    receive_until(stage.consumer, lambda: stage.row().next_offset == len(TEXTS))
    before = [text for text in stage.applied if int(text) < 10]
    assert before == TEXTS[: len(before)], "what was received before that"
    assert not set(Rebalancing.in_hand) & set(map(int, before)), "nothing that was in hand"
    assert stage.applied == before + TEXTS[10:]
    assert InboxEvent.objects.count() == len(stage.applied)
