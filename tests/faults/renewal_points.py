"""The crash points of a renewal: between any two statements of its transaction, in its third chunk."""

from datetime import date

from billing import sql
from tests.faults.points import Point, Trip

JANUARY_31 = date(2027, 1, 31)
CHUNK = 3
RENEWAL_POINTS = {
    point.name: point
    for point in [
        Point("taken", "subscriptions locked, nothing issued", Trip("after", sql.TAKE_DUE), CHUNK),
        Point("issued", "invoices issued, subscriptions not moved on", Trip("before", sql.MOVE_ON), CHUNK),
        Point("moved", "moved on, nothing announced", Trip("after", sql.MOVE_ON), CHUNK),
        Point("announced", "announced, not booked", Trip("before", 'INSERT INTO "billing_ledgerentry"'), CHUNK),
        Point("booked", "booked, before COMMIT", Trip("after", 'INSERT INTO "billing_ledgerentry"'), CHUNK),
    ]
}
