"""A log with table partitions of ten positions, and what tests ask of it."""

from django.conf import settings as django_settings
from django.db import connection

from outbox.conf import OutboxSettings
from outbox.table_partitions import read_table_partitions

#: 1 to 10, and nothing ahead: the next position drawn is 1.
SMALL = """
ALTER SEQUENCE outbox_event_position RESTART;
CREATE TABLE outbox_event_p0 PARTITION OF outbox_event FOR VALUES FROM (MINVALUE) TO (11);
"""
AS_MIGRATED = "CREATE TABLE outbox_event_p0 PARTITION OF outbox_event FOR VALUES FROM (MINVALUE) TO (10000000)"
RECORD = """
INSERT INTO outbox_event
    (event_id, source, event_type, subject, aggregate_type, aggregate_id, topic, partition_key, data)
SELECT gen_random_uuid(), 's', 'payments.payment.captured.v1', 'k', 'payment', 'k', 'payments.payment', 'k', '{}'
FROM generate_series(1, %s)
"""


def small_settings(**changes: object) -> OutboxSettings:
    """Table partitions of ten positions, pages of ten rows, no retention, a lock time-out that tests can wait for."""
    chosen = {"TABLE_PARTITION_ROWS": 10, "PAGE_SIZE": 10, "RETENTION_DAYS": 0, "MAINTENANCE_LOCK_SECONDS": 0.1}
    return OutboxSettings.model_validate(django_settings.OUTBOX | chosen | changes)


def replace_table_partitions(statement: str) -> None:
    """Drop every table partition but DEFAULT, then run the statement."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE outbox_event")
        for each in read_table_partitions():
            cursor.execute(f"DROP TABLE {each.name}")
        cursor.execute(statement)


def record(count: int) -> None:
    """Commit so many rows."""
    with connection.cursor() as cursor:
        cursor.execute(RECORD, [count])


def names() -> list[str]:
    """Return the names of the attached table partitions, DEFAULT left out."""
    return [each.name for each in read_table_partitions()]


def ask(question: str, parameters: list[str | int] | None = None) -> list[tuple[object, ...]]:
    """Return the rows of a query."""
    with connection.cursor() as cursor:
        cursor.execute(question, parameters)
        rows: list[tuple[object, ...]] = cursor.fetchall()
        return rows
