"""How far each assigned partition is from its end, and how old what waits there can be.

By partition EOF: control records and compaction make the last offset + 1 differ from the high watermark, so that an
idle consumer would seem to be behind. A record's age counts from its time on the broker: what it waited before is
the outbox's lag. Times are seconds since the epoch.
"""

import time
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from inbox.receiving import Partition


class InHand(NamedTuple):
    """The records of a partition that were read and are not committed yet: when the first and the last were written."""

    first_at: float
    last_at: float
    last_offset: int


class Ends:
    """Fed by KafkaSource with what it assigns, reads and acknowledges."""

    def __init__(self) -> None:
        self.reached: set[Partition] = set()
        self._known: set[Partition] = set()
        self._in_hand: dict[Partition, InHand] = {}
        self._since: dict[Partition, float] = {}  # nothing that waits there is older than this

    def assign(self, partitions: Iterable[Partition]) -> None:
        """The partitions are read from now on; what waits there is not known yet."""
        self._since |= dict.fromkeys(partitions, time.time())

    def forget(self, partition: Partition) -> None:
        """Another process has the partition now."""
        self.reached.discard(partition)
        self._known.discard(partition)
        self._in_hand.pop(partition, None)
        self._since.pop(partition, None)

    def reach(self, partition: Partition, next_offset: int) -> None:
        """The broker had nothing behind this offset. Records read after that, in the same turn too, say otherwise."""
        held = self._in_hand.get(partition)
        if partition in self._since and (held is None or held.last_offset < next_offset):
            self.reached.add(partition)
            self._known.add(partition)
            self._since[partition] = time.time()

    def take(self, partition: Partition, last_offset: int, *, first_at: float, last_at: float) -> None:
        """Records were read, written between these times; there may be more behind them."""
        self.reached.discard(partition)
        self._known.add(partition)
        held = self._in_hand.get(partition)
        self._in_hand[partition] = InHand(held.first_at if held else first_at, last_at, last_offset)

    def settle(self, moved: Mapping[Partition, int]) -> None:
        """Everything below these offsets is committed; what waits behind it is not older."""
        for partition, offset in moved.items():
            held = self._in_hand.get(partition)
            if held is not None and held.last_offset < offset:
                del self._in_hand[partition]
                self._since[partition] = max(self._since[partition], held.last_at)

    def is_at(self, partition: Partition) -> bool:
        """Whether nothing of the partition waits, here or on the broker."""
        return partition in self.reached and partition not in self._in_hand

    def are_known(self, partitions: Collection[Partition]) -> bool:
        """Whether the broker has answered for all of them since they were assigned."""
        return self._known.issuperset(partitions)

    def oldest(self) -> float | None:
        """Return the time that no waiting record is older than; None when none waits."""
        waiting = [
            self._in_hand[partition].first_at if partition in self._in_hand else since
            for partition, since in self._since.items()
            if not self.is_at(partition)
        ]
        return min(waiting, default=None)
