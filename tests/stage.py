"""One consumer on a topic of the test's own, with a handler that notes what was applied."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from uuid import uuid4

from django.core.management import call_command
from django.db import connection
from pydantic import BaseModel

from inbox.consumer import Consumer
from inbox.models import InboxOffset
from outbox.envelope import encode
from outbox.partitioner import partition_of
from tests.consumer_process import TOLD
from tests.interruptions import Until
from tests.real_topic import RealTopic
from tests.records import event
from tests.topics import Topics

THING = "tests.thing.happened.v1"
#: Of two partitions, the key's.
KEYS = {partition_of(key.encode(), 2): key for key in ("a", "b", "c", "d")}


class Thing(BaseModel):
    text: str


class Stage:
    """A topic of two partitions and one consumer of it; `applied` are the texts of events, in order."""

    def __init__(self, topic: RealTopic, kafka: str) -> None:
        self.topic = topic
        self.kafka = kafka
        self.applied: list[str] = []
        self.consumer: Consumer

    def send(self, text: str, *, partition: int = 0) -> None:
        """Write an event for the stage's own consumer."""
        self._write({"text": text}, THING, partition)

    def tell(self, what: dict[str, object]) -> None:
        """Write an event for a consumer process: see tests/told_handler.py."""
        self._write(what, TOLD, 0)

    def _write(self, data: dict[str, object], event_type: str, partition: int) -> None:
        written = event(json.dumps(data).encode(), key=KEYS[partition], type=event_type, id=str(uuid4()))
        writer = Topics(self.kafka, [self.topic.name])
        writer.write(self.topic.name, written.data, key=KEYS[partition].encode(), headers=encode(written))
        writer.close()

    def receive_until(self, condition: Callable[[], bool], *, rounds: int = 150) -> None:
        """Run the consumer as its command does, until the condition holds."""
        self.consumer.run(Until(condition, rounds=rounds))

    def receive(self, *texts: str) -> None:
        """Receive until exactly these were applied, in any order."""
        self.receive_until(lambda: self.has_applied(*texts))

    def has_applied(self, *texts: str) -> bool:
        return sorted(self.applied) == sorted(texts)

    def another_consumer(self) -> Consumer:
        """A second process of the same consumer: the partitions are shared out."""
        return Consumer(open_source=self.consumer._open_source, settings=self.consumer.settings)

    @contextmanager
    def running(self) -> Iterator[None]:
        """The consumer runs all the while, as a process does."""
        stop = Event()
        thread = Thread(target=self._run, args=[stop])
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(60)

    def _run(self, stop: Event) -> None:
        try:
            self.consumer.run(stop)
        finally:
            connection.close()

    def row(self, partition: int = 0) -> InboxOffset:
        return InboxOffset.objects.get(topic=self.topic.name, partition=partition)

    def is_stopped(self, *partitions: int) -> bool:
        stopped = InboxOffset.objects.filter(topic=self.topic.name, stopped_at__isnull=False)
        return set(stopped.values_list("partition", flat=True)) == set(partitions)

    def move(self, *options: str, apply: bool = True) -> None:
        call_command("move_inbox_offset", "--topic", self.topic.name, *options, *(["--apply"] if apply else []))
