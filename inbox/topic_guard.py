"""Are the topics still those that the offsets belong to? Asked at each assignment, then every few seconds.

Without that a running consumer reads on in a topic that was deleted and made again, in the middle and without an
error; and in one that got more partitions a key's later events overtake its earlier ones.
"""

import time
from collections.abc import Callable, Iterable

import structlog

from inbox.exceptions import AssignmentLostError, ConsumeFailedError
from inbox.models import InboxOffset
from inbox.offsets import read_offsets, stop_partition
from inbox.receiving import Partition
from watching.exceptions import TopicsUnknownError
from watching.topics import Topic, TopicInquiry

logger = structlog.get_logger(__name__)
_GLANCE_SECONDS = 5.0


class TopicGuard:
    """The assigned partitions' rows as this process read them; `stopped` ones need a person: `problem` says why."""

    def __init__(self, *, consumer: str, bootstrap_servers: str, topics: Iterable[str]) -> None:
        self.stopped: set[Partition] = set()
        self._consumer = consumer
        self._inquiry = TopicInquiry(bootstrap_servers=bootstrap_servers, topics=topics)
        self._rows: dict[Partition, InboxOffset] = {}
        self._glance_at = time.monotonic() + _GLANCE_SECONDS

    def assign(self, partitions: list[Partition], *, earliest: Callable[[Partition], int]) -> dict[Partition, int]:
        """Return the next offset of each, and stop what has changed. Raises ConsumeFailedError without an answer."""
        try:
            topics = self._inquiry.wait()
        except TopicsUnknownError as error:
            raise ConsumeFailedError(str(error)) from error
        if missing := sorted({name for name, _ in partitions if not topics[name].partitions}):
            raise ConsumeFailedError(f"no such topic: {', '.join(missing)}")
        rows = read_offsets(self._consumer, partitions, topics=topics, earliest=earliest)
        self._rows |= rows
        for partition, row in rows.items():
            if row.problem:
                self.stopped.add(partition)
                logger.error("partition is stopped", partition=f"{row.topic}/{row.partition}", problem=row.problem)
            elif problem := _find_change(row, topics[row.topic]):
                self.stop(partition, row.next_offset, problem)
        return {partition: row.next_offset for partition, row in rows.items()}

    def glance(self, expected: dict[Partition, int]) -> set[Partition]:
        """Return the partitions that stop now. Never waits for the broker.

        Raises AssignmentLostError when a person has let a stopped one go on.
        """
        if time.monotonic() < self._glance_at or (topics := self._inquiry.glance()) is None:
            return set()
        self._glance_at = time.monotonic() + _GLANCE_SECONDS
        self._look_for_a_person()
        changes = {p: _find_change(row, topics[row.topic]) for p, row in self._rows.items() if p not in self.stopped}
        for partition in (changed := {p for p, problem in changes.items() if problem}):
            self.stop(partition, expected[partition], changes[partition])
        return changed

    def stop(self, partition: Partition, next_offset: int, problem: str) -> None:
        """Read nothing more of it: here, and in the database for whoever has it next. Its offset stays as it is."""
        self.stopped.add(partition)
        place = f"{partition[0]}/{partition[1]}"
        if stop_partition(self._consumer, partition, next_offset=next_offset, problem=problem):
            logger.error(
                "partition stopped", consumer=self._consumer, partition=place, next_offset=next_offset, problem=problem
            )

    def explain_reset(self, partition: Partition, next_offset: int, error: str) -> str:
        """Return why the broker does not have the next offset: another topic, or else its retention."""
        row = self._rows[partition]
        try:
            problem = _find_change(row, self._inquiry.wait()[row.topic])
        except TopicsUnknownError:
            problem = ""
        return problem or (
            f"its next offset, {next_offset}, is not on the broker any more ({error}): what follows it is lost to this "
            f"consumer up to the earliest offset. To go on there: {_command(row, '--to-earliest')}"
        )

    def forget(self, partition: Partition) -> None:
        """Another process has the partition now."""
        self._rows.pop(partition, None)
        self.stopped.discard(partition)

    def close(self) -> None:
        """Let the connection go."""
        self._inquiry.close()

    def _look_for_a_person(self) -> None:
        if not self.stopped:
            return
        waiting = InboxOffset.objects.filter(consumer=self._consumer, stopped_at__isnull=False)
        if moved := sorted(self.stopped - set(waiting.values_list("topic", "partition"))):
            raise AssignmentLostError(f"{moved}: a person moved the offset, to go on there")


def _find_change(row: InboxOffset, found: Topic) -> str:
    """Return what is different in the broker's topic; empty when nothing is, or there is no topic: Kafka says that."""
    if not found.partitions:
        return ""
    if row.topic_id != found.id:
        return (
            f"the topic was deleted and made again: the offset is of {row.topic_id} and this is {found.id}. Once what "
            f"it held is published again (rebase_outbox there), begin with it: {_command(row, '--to-earliest')}"
        )
    if row.partition_count != found.partitions:
        return (
            f"the topic has {found.partitions} partitions and had {row.partition_count}: keys move, and a key's later "
            f"events could overtake its earlier ones. While nobody publishes, go on: {_command(row, '--stay')}"
        )
    return ""


def _command(row: InboxOffset, target: str) -> str:
    return f"manage.py move_inbox_offset {target} --topic {row.topic}"
