"""The crash points of a webhook: in the request that takes it, and in the look that it asks for."""

from tests.faults.points import Hooks, Point, Trip

TAKING = [
    Point("W1", "webhook remembered, look asked for, before COMMIT", Trip("after", 'UPDATE "payments_gatewaylook"')),
    Point("W2", "COMMIT done, no answer, no nudge", Hooks()),
]
#: C23 and C24 of a look; of an intent's they are those of a call, which is concluded in the same place.
LOOKING = Point("W3", "dispute looked at, not written", Trip("before", 'SELECT "payments_payment"', " FOR UPDATE"))
WEBHOOK_POINTS = {point.name: point for point in [*TAKING, LOOKING]}
