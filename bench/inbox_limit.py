"""What no inbox in one process can pass: reading the records alone, and the least statements alone."""

import time

from confluent_kafka import Consumer, TopicPartition
from django.db import transaction

from bench import sql
from bench.arrivals import PARTITIONS
from bench.binary import execute
from inbox.source import CONSUMER


def consume_bare(topic: str, *, count: int, batch_size: int, bootstrap_servers: str) -> float:
    """Return records/s of a consume() loop with the inbox's settings that touches nothing of what it gets."""
    kafka = Consumer(CONSUMER | {"bootstrap.servers": bootstrap_servers, "group.id": "bench-limit"})
    kafka.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
    received = len(kafka.consume(1, 30))
    started = time.perf_counter()
    while received < count:
        received += len(kafka.consume(batch_size, 0.2))
    speed = (count - 1) / (time.perf_counter() - started)
    kafka.close()
    return speed


def insert_only(ids: list[str], *, batch_size: int) -> float:
    """Return events/s of transactions with two statements: the ids into an index of their own, and the effect."""
    started = time.perf_counter()
    for start in range(0, len(ids), batch_size):
        batch = ids[start : start + batch_size]
        with transaction.atomic():
            execute(sql.INSERT_IDS, batch)
            execute(sql.INSERT_EFFECTS, batch, batch)
    return len(ids) / (time.perf_counter() - started)
