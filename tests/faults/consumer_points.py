"""The consumer's crash points. Names as in docs/guarantees.md; what a place is: points.py."""

from inbox import sql
from tests.faults.points import Hooks, Point, Step, Trip, Withheld

_BEGIN = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"
#: As psycopg sends it; the end of the string tells it from an isolation level.
_COMMIT = b"COMMIT\0"
STARTING = [
    Point("C01", "before subscribe", Step("subscribing")),
    Point("C02", "in assignment, before the offsets are read", Step("assigning")),
    Point("C03", "offsets read, not assigned", Step("offsets known")),
    Point("C04", "assigned, nothing consumed", Step("assigned")),
]
IN_A_BATCH = [
    # psycopg sends BEGIN with the first statement: before it is before BEGIN.
    Point("C05", "batch consumed, before BEGIN", Trip("before", _BEGIN)),
    Point("C06", "after BEGIN", Trip("after", _BEGIN)),
    Point("C07", "after the inbox insert", Trip("after", sql.REMEMBER)),
    Point("C08", "2 of n effects written", Trip("before", 'INSERT INTO "billing_invoice"'), 3),
    Point("C09", "follow-up events recorded, offset not moved", Trip("before", sql.MOVE_OFFSETS)),
    Point("C10", "offset moved, before COMMIT", Trip("after", sql.MOVE_OFFSETS)),
    Point("C11", "COMMIT sent, answer lost", Withheld("postgres", _COMMIT)),
]
BEHIND_IT = [
    Point("C12", "after COMMIT", Step("committing")),
    Point("C13", "during the Kafka offset commit", Step("committed")),
    Point("C22", "COMMIT done, on_commit hook not run", Hooks()),
]
REVOKED = Point("C14", "revoked with an open transaction", Withheld("postgres", sql.REMEMBER[:40].encode()))
#: As before, and at an earlier place: the answer to BEGIN, with no lock taken yet.
SLOW = [REVOKED, Point("C06", "after BEGIN", Withheld("postgres", _BEGIN.encode()))]
LATE = Point("C15", "assignment lost, the transaction commits late", Withheld("postgres", _COMMIT, is_sent=False))
ACROSS = Point("C16", "stopped across a rebalance", Step("polling"))
#: The batch fails, again as one piece, then what comes before the failing event is kept.
HALF_WAY = Point("C17", "isolating half-way", Trip("after", sql.KEEP_PIECE))
PARKED = Point("C18", "parked, offset not moved", Trip("after", sql.PARK))
STOPPED_IN_A_BATCH = Point("C20", "SIGTERM in a batch", Trip("before", 'INSERT INTO "billing_invoice"'), 3)
PRUNED = Point("C21", "pruning while an old duplicate arrives", Trip("after", sql.PRUNE))
REDRIVEN = Point("C19", "redrive: between effect and mark", Trip("before", 'UPDATE "inbox_parked"'))
CONSUMER_POINTS = {
    point.name: point
    for point in [
        *STARTING, *IN_A_BATCH, *BEHIND_IT, REVOKED, LATE, ACROSS, HALF_WAY, PARKED, STOPPED_IN_A_BATCH, PRUNED,
        REDRIVEN,
    ]
}  # fmt: skip
