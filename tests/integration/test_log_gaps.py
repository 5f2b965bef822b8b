"""A log with gaps: aborted transactions and control records between the events, in each group protocol."""

import json
from uuid import uuid4

import pytest
from confluent_kafka import Producer

from outbox.envelope import encode
from tests.purchases import receive_until
from tests.records import event
from tests.stage import KEYS, THING, Stage

pytestmark = pytest.mark.kafka


class Transactions:
    """A foreign transactional producer."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._kafka = Producer({"bootstrap.servers": stage.kafka, "transactional.id": str(uuid4()), "log_level": 3})
        self._kafka.init_transactions(30)

    def write(self, *texts: str, is_committed: bool) -> None:
        self._kafka.begin_transaction()
        for text in texts:
            written = event(json.dumps({"text": text}).encode(), key=KEYS[0], type=THING)
            headers = encode(written)
            self._kafka.produce(self._stage.topic.name, written.data, KEYS[0].encode(), partition=0, headers=headers)
        self._kafka.flush(10)
        if is_committed:
            self._kafka.commit_transaction(30)
        else:
            self._kafka.abort_transaction(30)


@pytest.mark.parametrize("protocol", ["consumer", "classic", "eager"], indirect=True)
def test_aborted_transactions_are_never_applied_and_their_gaps_stop_nobody(stage: Stage) -> None:
    producer = Transactions(stage)
    producer.write("one", is_committed=True)
    producer.write("aborted", "aborted too", is_committed=False)
    producer.write("two", "three", is_committed=True)
    stage.receive("one", "two", "three")
    producer.write("aborted again", is_committed=False)
    producer.write("four", is_committed=True)
    stage.receive("one", "two", "three", "four")  # another process: it begins at the offset that was stored
    assert stage.applied == ["one", "two", "three", "four"]


def test_a_consumer_behind_the_last_control_record_has_nothing_waiting(stage: Stage) -> None:
    producer = Transactions(stage)
    producer.write("one", is_committed=True)
    producer.write("aborted", is_committed=False)
    receive_until(stage.consumer, lambda: stage.row().next_offset == 1)
    source = stage.consumer._source
    assert source is not None
    receive_until(stage.consumer, lambda: source.progress().behind.get((stage.topic.name, 0)) == 0)
    assert stage.row().next_offset == 1, "where the next event is asked for, not the high watermark"
