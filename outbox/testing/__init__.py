"""For tests of your own: what was recorded, and a real relay that publishes into memory.

assert_recorded(PaymentCaptured, payment_id=payment.id, amount=1999)
refute_recorded(PaymentDeclined)

broker = MemoryPublisher(topics={"payments.payment": 6})
drain_outbox(broker)            # then inbox.testing.drain_inbox(broker.log, consumer="billing")
"""

from outbox.testing.draining import drain_outbox
from outbox.testing.publisher import MemoryPublisher
from outbox.testing.recorded import assert_recorded, refute_recorded

__all__ = ["MemoryPublisher", "assert_recorded", "drain_outbox", "refute_recorded"]
