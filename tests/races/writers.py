"""Business transactions on connections of their own, and what a relay made of them."""

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from outbox.testing import MemoryPublisher

INSERT = """
INSERT INTO outbox_event
    (event_id, source, event_type, subject, aggregate_type, aggregate_id, topic, partition_key, data)
SELECT gen_random_uuid(), 's', 'payments.payment.captured.v1', 'k', 'payment', 'k', 'payments.payment', %s, %s
FROM generate_series(1, %s)
"""


class Writer:
    """A connection of its own, with an open transaction unless told otherwise."""

    def __init__(self, *, is_open: bool = True) -> None:
        self._connection: BaseDatabaseWrapper = connection.copy()
        if is_open:
            self.run("BEGIN")

    def record(self, key: str, data: str = "{}", count: int = 1) -> None:
        self.run(INSERT, [key, data, count])

    def run(self, statement: str, parameters: list[str | int] | None = None) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(statement, parameters)

    def close(self) -> None:
        self._connection.close()


def values(published: MemoryPublisher) -> list[str]:
    """Return the data of everything on the wire, by partition in order."""
    return [record.value.decode() for log in published.log.values() for record in log]
