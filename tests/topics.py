"""Topics as a foreign reader sees them: every record from a remembered place to the end."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from tests.conditions import wait_until

Partition = tuple[str, int]


@dataclass(frozen=True)
class Message:
    """One record on the wire, headers as text."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: dict[str, str]

    @property
    def event_id(self) -> str:
        return self.headers["ce_id"]


class Topics:
    """Reads with a plain consumer that belongs to no group; writes what no producer of ours would."""

    def __init__(self, bootstrap_servers: str, names: list[str]) -> None:
        self._servers = bootstrap_servers
        settings = {"bootstrap.servers": bootstrap_servers, "group.id": "tests", "enable.partition.eof": True}
        self._kafka = Consumer(settings | {"isolation.level": "read_committed", "log_level": 3})
        found = self._kafka.list_topics(timeout=10).topics
        self._partitions = [(name, number) for name in names for number in found[name].partitions]
        self.ends = self.read_ends()

    def read(self) -> list[Message]:
        """Return every committed record since this object was made, in offset order a partition."""
        ends = self.read_ends()
        wanted = {p: end for p, end in ends.items() if end > self.ends[p]}
        self._kafka.assign([TopicPartition(*p, self.ends[p]) for p in wanted])
        messages = []
        while wanted:
            raw: Any = self._kafka.poll(10)
            if raw is not None and raw.error() and raw.error().code() == KafkaError._PARTITION_EOF:
                wanted.pop((raw.topic(), raw.partition()), None)  # a transaction's last offset is no record
                continue
            if raw is None or raw.error():
                raise AssertionError(f"the topics end early: {wanted} are missing, {raw and raw.error()}")
            headers = {name: value.decode() for name, value in raw.headers() or []}
            message = Message(raw.topic(), raw.partition(), raw.offset(), raw.key(), raw.value(), headers)
            messages.append(message)
            if message.offset + 1 >= ends[message.topic, message.partition]:
                wanted.pop((message.topic, message.partition), None)
        self._kafka.unassign()
        return messages

    def write(self, topic: str, value: bytes | None, *, key: bytes | None = None, headers: object = None) -> None:
        """Append one record as any foreign producer could."""
        producer = Producer({"bootstrap.servers": self._servers, "partitioner": "murmur2_random", "log_level": 3})
        producer.produce(topic, value, key, headers=headers)  # type: ignore[arg-type]
        assert producer.flush(10) == 0

    def write_in_transaction(self, topic: str, value: bytes, *, key: bytes, headers: object) -> None:
        """Append one record in a Kafka transaction of its own."""
        producer = Producer(
            {"bootstrap.servers": self._servers, "transactional.id": f"tests-{uuid4()}", "log_level": 3}
        )
        producer.init_transactions(30)
        producer.begin_transaction()
        producer.produce(topic, value, key, headers=headers)  # type: ignore[arg-type]
        producer.commit_transaction(30)

    def close(self) -> None:
        self._kafka.close()

    def read_ends(self) -> dict[Partition, int]:
        """Return the offset after the last record of each partition."""
        found: dict[Partition, int] = {}
        # Topics may just have been made, and brokers just have been killed: leaders come in time.
        wait_until(lambda: self._add_ends(found), what="every partition has a leader")
        return found

    def _add_ends(self, found: dict[Partition, int]) -> bool:
        try:
            for p in self._partitions:
                found[p] = self._kafka.get_watermark_offsets(TopicPartition(*p), timeout=3)[1]
        except KafkaException:
            self._kafka.list_topics(timeout=10)  # who leads now
        return found.keys() == set(self._partitions)
