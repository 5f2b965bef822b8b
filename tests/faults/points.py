"""Crash points of relay, upkeep and workers: where each is, what it may cost. Names as in docs/guarantees.md.

A point is a place between two statements (Trip), a moment in the life of the producer (Moment), or an answer that
never arrives (Withheld): everything between the relay and the outside passes through one of the three.
"""

from dataclasses import dataclass
from typing import Literal

from outbox import rebasing_sql, sql
from tests.faults.settings import PAGE_SIZE


@dataclass(frozen=True)
class Trip:
    """Before or after a statement that begins and ends so, or after it with its COMMIT never sent."""

    when: Literal["before", "after", "uncommitted"]
    statement: str
    ending: str = ""


@dataclass(frozen=True)
class Moment:
    """created: the producer is made. produce: a record is about to be handed over, those before it are acknowledged.
    produced: a whole page is handed over, no acknowledgement was looked at. acknowledged: after a delivery callback.
    Of a transaction: begun, with its offsets, its commit asked for and no answer read, committed."""

    when: Literal["created", "produce", "produced", "acknowledged", "begun", "offsets", "committing", "committed"]


@dataclass(frozen=True)
class Step:
    """Of a consumer's client: before subscribe(); the callback of an assignment called, its offsets known, done; before
    and after offsets are told to Kafka; the next poll() after that."""

    when: Literal["subscribing", "assigning", "offsets known", "assigned", "committing", "committed", "polling"]


@dataclass(frozen=True)
class Hooks:
    """A transaction is committed, and what on_commit() was given is about to run."""


@dataclass(frozen=True)
class Withheld:
    """The server did it, and its answer stays in the wire but for the first `passed` bytes.

    is_sent false: the request itself stays there, and the server has not done it.
    """

    server: Literal["postgres", "kafka"]
    request: bytes = b""
    passed: int = 0
    is_sent: bool = True


@dataclass(frozen=True)
class Point:
    """hit: at which passing. duplicates: the least and the most that a kill there may leave on the wire."""

    name: str
    what: str
    place: Trip | Moment | Step | Hooks | Withheld
    hit: int = 1
    duplicates: tuple[int, int] = (0, 0)

    def __str__(self) -> str:
        return f"{self.name}: {self.what}"


_IN_A_PAGE = Withheld("postgres", sql.PAGE[:40].encode(), passed=300)
RELAY = [
    Point("R01", "before the lease", Trip("before", sql.LEAD)),
    Point("R02", "epoch committed, no producer yet", Trip("after", sql.LEAD)),
    Point("R03", "producer created", Moment("created")),
    Point("R04", "snapshot taken, open not committed", Trip("uncommitted", sql.OPEN)),
    Point("R05", "window opened, nothing read", Trip("after", sql.OPEN)),
    # The second page is read while the first is in flight: all of that one may be on the wire and not saved.
    Point("R06", "in the middle of a page read", _IN_A_PAGE, 2, (0, PAGE_SIZE)),
    Point("R07", "page read, nothing produced", Trip("after", sql.PAGE), 2, (0, PAGE_SIZE)),
    Point("R08", "3 of 7 of the second page produced", Moment("produce"), PAGE_SIZE + 4, (3, 3)),
    Point("R09", "all produced, nothing acknowledged", Moment("produced"), 2, (0, PAGE_SIZE)),
    Point("R10", "3 of 7 acknowledgements", Moment("acknowledged"), PAGE_SIZE + 3, (3, PAGE_SIZE)),
    Point("R11", "broker appended, acknowledgement lost", Withheld("kafka"), 1, (1, PAGE_SIZE)),
    Point("R12", "all acknowledged, not advanced", Trip("before", sql.ADVANCE), 2, (PAGE_SIZE, PAGE_SIZE)),
    Point("R13", "advance executed, not committed", Trip("uncommitted", sql.ADVANCE), 2, (PAGE_SIZE, PAGE_SIZE)),
    Point("R14", "COMMIT sent, answer lost", Withheld("postgres", sql.ADVANCE[:40].encode()), 2),
    Point("R15", "after the advance", Trip("after", sql.ADVANCE), 2),
]
#: Where a relay that is stopped, replaced and woken must change nothing. At R04 itself its session does not live on.
ZOMBIES = [
    Point("R04b", "rows seen, window not opened", Trip("before", sql.OPEN)),
    *(point for point in RELAY if point.name >= "R05"),
]

TRANSACTIONAL = [
    Point("R16", "after begin", Moment("begun"), 2),
    Point("R17", "after produce, offsets in the transaction", Moment("offsets"), 2),
    Point("R18", "commit sent, no answer", Moment("committing"), 2),
    Point("R19", "Kafka committed, database not", Moment("committed"), 2),
]

PARKING = [
    Point("R26", "row parked, position not advanced", Trip("uncommitted", sql.ADVANCE_PARKING)),
    Point("R26b", "later row of its key queued, not advanced", Trip("uncommitted", sql.ADVANCE_PARKING), 2),
]
WORKER = [
    Point("C23", "gateway answered, not written", Trip("before", 'SELECT "payments_gatewaycall"', " FOR UPDATE")),
    Point("C24", "the same task on two workers", Trip("before", 'SELECT "payments_gatewaycall"', " FOR UPDATE")),
]
REBASE = [
    Point("B1", "lease taken, topics not read", Trip("after", sql.LEAD)),
    Point("B2", "log locked, nothing written", Trip("after", rebasing_sql.FENCE)),
    Point("B3", "missing rows parked", Trip("after", rebasing_sql.PARK_MISSING)),
    Point("B4", "positions skipped", Trip("after", rebasing_sql.SKIP_POSITIONS)),
    Point("B5", "new generation written, not committed", Trip("after", rebasing_sql.REBASE)),
]
UPKEEP = [
    Point("R24", "between the proof and the drop", Trip("before", "DROP TABLE")),
    Point("R25", "created, not attached", Trip("before", "ALTER TABLE outbox_event ATTACH PARTITION"), 2),
]
POINTS = {point.name: point for point in [*RELAY, *ZOMBIES, *TRANSACTIONAL, *PARKING, *WORKER, *REBASE, *UPKEEP]}
