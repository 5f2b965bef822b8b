"""The outbox: change a row and announce it in one commit.

The public face is small: declare an `Event`, `record` it inside the transaction that changes the row.
Everything else in this package may move. Pattern: https://microservices.io/patterns/data/transactional-outbox.html
"""

from outbox.events import Event
from outbox.recording import record, record_many

__all__ = ["Event", "record", "record_many"]
