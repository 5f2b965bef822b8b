"""What the client hands over, read: a message's place, its time, the record; where a partition begins."""

import time

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Consumer, KafkaError, KafkaException, Message, TopicPartition

from inbox.exceptions import ConsumeFailedError
from inbox.receiving import Partition
from inbox.record import Record, read_record, unreadable_record
from outbox.envelope import read_headers


def place(message: Message) -> Partition:
    """Return the partition that it came from."""
    return str(message.topic()), int(message.partition() or 0)


def is_end(message: Message) -> bool:
    """Whether it is no record, but says that its partition holds nothing more at the moment."""
    error = message.error()
    return error is not None and error.code() == KafkaError._PARTITION_EOF


def written_at(message: Message) -> float:
    """Return when it was written, in seconds since the epoch; now, when nobody knows."""
    kind, milliseconds = message.timestamp()
    return time.time() if kind == TIMESTAMP_NOT_AVAILABLE else milliseconds / 1000


def to_record(message: Message) -> Record:
    """Return it as the inbox reads it; what cannot be read is a record without an envelope."""
    topic, partition = place(message)
    offset, key, value = int(message.offset() or 0), message.key(), message.value()
    try:
        headers = read_headers(message)
    except ValueError as error:  # the binding decodes names, and cannot give them as bytes
        return unreadable_record(
            topic=topic, partition=partition, offset=offset, key=key, value=value, headers=[], error=error
        )
    return read_record(topic=topic, partition=partition, offset=offset, key=key, value=value, headers=headers)


def earliest_offset(kafka: Consumer, partition: Partition) -> int:
    """Ask the broker for the partition's first offset, within 10 s. Raises ConsumeFailedError."""
    try:
        low, _ = kafka.get_watermark_offsets(TopicPartition(*partition), timeout=10)
    except KafkaException as error:
        raise ConsumeFailedError(f"the earliest offset of {partition[0]}/{partition[1]}: {error}") from error
    return int(low)
