"""The crash points of a request, in the process that serves it. Names as in docs/guarantees.md."""

from idempotency.sql import STORE
from tests.faults.points import Hooks, Point, Trip

_PAID = Trip("after", 'INSERT INTO "payments_payment"')
API_POINTS = {
    point.name: point
    for point in [
        Point("A01", "key inserted, before COMMIT", Trip("after", STORE)),
        Point("A03", "retry while the first runs", _PAID),
        Point("A04", "answer stored, not sent", Hooks()),
        Point("A07", "the first is only paused", _PAID),
    ]
}
