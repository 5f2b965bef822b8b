"""What the inbox should do, with a set of all ids ever applied in place of a horizon."""

from dataclasses import dataclass, field

from tests.outbox_records import SOURCE

EARLY, LATE = "tests.thing.happened.v1", "tests.thing.ended.v1"


@dataclass(frozen=True)
class Sent:
    """One event; number is its position in the outbox. A foreign one has no sequence."""

    number: int
    event_type: str
    is_foreign: bool = False

    @property
    def key(self) -> str:
        return f"key-{self.number % 3}"

    @property
    def id(self) -> str:
        return f"event-{self.number}"

    @property
    def source(self) -> str:
        return "/foreign" if self.is_foreign else SOURCE


@dataclass
class Model:
    """A partition as it was written, and what became of each event. `settled`: applied, parked or given up."""

    wire: list[Sent] = field(default_factory=list)
    place: int = 0
    handled: set[str] = field(default_factory=lambda: {EARLY})
    applied: list[str] = field(default_factory=list)
    settled: set[Sent] = field(default_factory=set)
    parked: list[Sent] = field(default_factory=list)
    passed_over: set[Sent] = field(default_factory=set)

    def receive(self) -> str:
        """Take the next record; return the outcome."""
        sent = self.wire[self.place]
        self.place += 1
        if sent.event_type not in self.handled:
            self.passed_over.add(sent)
            return "ignored"
        if sent in self.settled:
            return "duplicate"
        self.settled.add(sent)
        if self._is_blocked(sent):
            self.parked.append(sent)
            return "parked"
        self.applied.append(sent.id)
        return "applied"

    def park(self) -> bool:
        """Its handler fails; return False when no handler would be called."""
        sent = self.wire[self.place]
        if sent.event_type not in self.handled or sent in self.settled or self._is_blocked(sent):
            return False
        self.settled.add(sent)
        self.place += 1
        self.parked.append(sent)
        return True

    def start_at(self, place: int) -> None:
        """The first start, not at the beginning."""
        self.place = place
        self.passed_over.update(self.wire[:place])

    def has_ignored(self, event_type: str) -> bool:
        """Return whether an event of the type was passed over."""
        return any(sent.event_type == event_type for sent in self.passed_over)

    def repeatable(self) -> list[Sent]:
        """What a killed relay may write again. Not what was passed over: docs/proofs.md says why."""
        return [sent for sent in dict.fromkeys(self.wire) if sent in self.settled or sent not in self.passed_over]

    def forget(self, sent: Sent) -> None:
        """Its id was pruned: with a sequence that makes no difference."""
        if sent.is_foreign:
            self.settled.discard(sent)

    def _is_blocked(self, sent: Sent) -> bool:
        return any(other.key == sent.key for other in self.parked)
