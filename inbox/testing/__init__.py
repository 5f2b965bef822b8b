"""For tests of your own: events that arrive through the real inbox, twice if you like, and what must not change then.

    event = make_event("payments.payment.captured.v1", {"payment_id": ..., "amount": 1999}, key="p1")
    deliver(event, times=2)                             # Counter: one applied, one duplicate
    drain_inbox(broker.log, consumer="billing")         # all that outbox.testing.drain_outbox(broker) published
    assert_idempotent(call_gateway, call_id)            # a task, a gateway call: whatever lies outside the inbox

and, with `pytest_plugins = ["inbox.testing.plugin"]`, the fixture

    def test_it(assert_received_once): assert_received_once(event)
"""

from inbox.testing.declaring import temporary_handlers
from inbox.testing.delivering import deliver, drain_inbox, make_event
from inbox.testing.once import assert_idempotent, receive_once

__all__ = ["assert_idempotent", "deliver", "drain_inbox", "make_event", "receive_once", "temporary_handlers"]
