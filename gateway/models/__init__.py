"""What the provider remembers: money and its ways, events, and the answers under idempotency keys."""

from gateway.models.answers import StoredAnswer
from gateway.models.money import Charge, Dispute, Intent, Refund
from gateway.models.names import new_id, now
from gateway.models.telling import Delivery, Event

__all__ = ["Charge", "Delivery", "Dispute", "Event", "Intent", "Refund", "StoredAnswer", "new_id", "now"]
