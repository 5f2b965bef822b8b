"""What must hold of a log and its relays, in plain Python: writers, their locks, what they committed.

An event is a number: they rise in the order in which they were recorded. An id that is assigned and not completed is
an open transaction here, whatever it has written: nothing of it is true yet, and nothing waits for it.
"""

from dataclasses import dataclass, field

Event = tuple[str, int]  # key, number


@dataclass
class Transaction:
    """One open business transaction; `marks`: how much was recorded and locked at each savepoint."""

    recorded: list[Event] = field(default_factory=list)
    locked: list[str] = field(default_factory=list)
    marks: list[tuple[int, int]] = field(default_factory=list)

    def set_savepoint(self) -> None:
        """Remember what a rollback to here leaves."""
        self.marks.append((len(self.recorded), len(self.locked)))

    def roll_back_to_savepoint(self) -> None:
        """Forget what came after the newest savepoint, which stays; locks taken since are free again."""
        recorded, locked = self.marks[-1]
        del self.recorded[recorded:]
        del self.locked[locked:]


@dataclass
class Model:
    """Everything that happened to the log."""

    open: dict[int, Transaction] = field(default_factory=dict)
    committed: dict[str, list[int]] = field(default_factory=dict)
    numbers: int = 0

    def nested(self) -> list[int]:
        """Return the writers inside a savepoint."""
        return [writer for writer, transaction in self.open.items() if transaction.marks]

    def can_lock(self, writer: int, key: str) -> bool:
        """Say whether no other open transaction holds the key's row."""
        return all(key not in other.locked for number, other in self.open.items() if number != writer)

    def record(self, writer: int, key: str) -> int:
        """Lock the key's row, record the next event; return its number."""
        self.numbers += 1
        transaction = self.open[writer]
        if key not in transaction.locked:
            transaction.locked.append(key)
        transaction.recorded.append((key, self.numbers))
        return self.numbers

    def commit(self, writer: int) -> None:
        """Everything recorded and not rolled back is true from now on."""
        for key, number in self.open.pop(writer).recorded:
            self.committed.setdefault(key, []).append(number)

    def count(self) -> int:
        """Return how many events are committed."""
        return sum(len(numbers) for numbers in self.committed.values())
