"""The inbox: every event takes effect once, whatever is delivered again.

The public face is small: `handles` declares what an event does to this service's tables, `upcasts` carries an old
version of it forward. Everything else may move.
Pattern: https://microservices.io/patterns/communication-style/idempotent-consumer.html
"""

from inbox.handlers import handles
from inbox.upcasting import upcasts

__all__ = ["handles", "upcasts"]
