"""The log's table partitions: which there are, and making them ahead of the positions that are drawn.

Each is made and attached in one transaction, so a crash between the two leaves nothing behind.
https://www.postgresql.org/docs/18/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import psycopg
from django.db import OperationalError, connection, transaction
from psycopg import sql as composing

from outbox import maintenance_sql as sql
from outbox.conf import OutboxSettings
from outbox.exceptions import LockNotGrantedError


class TablePartition(NamedTuple):
    """Positions from `low` (None: from the beginning) to `high`, which is not part of it."""

    name: str
    low: int | None
    high: int


def read_table_partitions() -> list[TablePartition]:
    """Return the attached table partitions but DEFAULT, lowest first."""
    with connection.cursor() as cursor:
        cursor.execute(sql.TABLE_PARTITIONS)
        return [TablePartition._make(row) for row in cursor.fetchall()]


def read_last_position() -> int:
    """Return the highest position that was drawn, whether its transaction committed or not; 0 for none."""
    with connection.cursor() as cursor:
        cursor.execute(sql.LAST_POSITION)
        return int(cursor.fetchone()[0])


def count_default_rows() -> tuple[int, int | None]:
    """Return how many rows the DEFAULT table partition holds, and the lowest position. Any is an alarm."""
    with connection.cursor() as cursor:
        cursor.execute(sql.COUNT_DEFAULT_ROWS)
        count, first = cursor.fetchone()
        return count, first


def make_next(settings: OutboxSettings) -> TablePartition | None:
    """Make and attach one table partition; return it, or None when enough are ahead.

    It begins where the last one ends, but above the positions that are being drawn now: their rows may be in DEFAULT
    already, and ATTACH refuses a range that DEFAULT has rows of. Raises LockNotGrantedError.
    """
    with short_locks(settings.maintenance_lock_seconds):
        execute(sql.LOCK_FOR_UPKEEP)
        last, there = read_last_position(), read_table_partitions()
        if sum((each.low or 0) > last for each in there) >= settings.table_partitions_ahead:
            return None
        margin = max(settings.table_partition_rows // 100, 1)
        low = max([last + margin, *(each.high for each in there)])
        made = TablePartition(f"outbox_event_p{low}", low, low + settings.table_partition_rows)
        execute(sql.MAKE, made)
        execute(sql.ATTACH, made)
        return made


def execute(statement: str, table: TablePartition | None = None, **literals: str) -> None:
    """Run a statement of maintenance_sql; {table}, {low} and {high} are those of the table partition."""
    with connection.cursor() as cursor:
        cursor.execute(statement if table is None else compose(statement, table, **literals))


def compose(statement: str, table: TablePartition, **literals: str) -> str:
    """Return the statement with its names quoted by psycopg: DDL takes no parameters."""
    values: Mapping[str, Any] = {"low": table.low, "high": table.high} | literals
    quoted = {name: composing.Literal(value) for name, value in values.items()}
    filled = composing.SQL(statement).format(table=composing.Identifier(table.name), **quoted)
    return filled.as_string(connection.connection)


@contextmanager
def short_locks(seconds: float) -> Iterator[None]:
    """A READ COMMITTED transaction that waits `seconds` at most for any lock. Raises LockNotGrantedError."""
    try:
        with transaction.atomic(durable=True), connection.cursor() as cursor:
            # Each statement sees what was committed before it: the proof is a statement after the locks.
            cursor.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
            cursor.execute(sql.SHORT_LOCKS, {"milliseconds": str(max(int(seconds * 1000), 1))})
            yield
    except OperationalError as error:
        if not isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
            raise
        raise LockNotGrantedError(
            f"no lock within {seconds} s: a transaction that used the log is open; it is tried again at the next run"
        ) from error
