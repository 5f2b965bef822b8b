"""The inbox: every event takes effect once, whatever is delivered again.

The public face is `handles`: declare what an event does to this service's tables. Everything else may move.
Pattern: https://microservices.io/patterns/communication-style/idempotent-consumer.html
"""

from inbox.handlers import handles

__all__ = ["handles"]
