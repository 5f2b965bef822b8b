"""Pruning: drop the table partitions of which every row is published and older than the retention.

The proof needs no row's time: a row that a window's snapshot sees was committed before that window was opened, and
everything that a complete window's snapshot sees was published by it or by one before it.
"""

from dataclasses import dataclass
from typing import NamedTuple

from django.db import connection

from outbox import maintenance_sql as sql
from outbox.conf import OutboxSettings
from outbox.exceptions import LockNotGrantedError
from outbox.table_partitions import (
    TablePartition,
    compose,
    count_default_rows,
    execute,
    read_last_position,
    read_table_partitions,
    short_locks,
)

_WINDOWS_AT_ONCE = 10_000


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What became of one table partition; `reason`: why it was kept, empty when it was (or may be) dropped."""

    table: str
    reason: str = ""


class Snapshots(NamedTuple):
    """Of the newest complete window, and of the newest one from before the retention; None: there is none."""

    newest: str | None
    old: str | None


def prune(settings: OutboxSettings, *, dry_run: bool = False) -> list[Verdict]:
    """Drop what may be dropped, lowest first; return a verdict on each table partition whose positions are all drawn.

    Looks before it locks, so that a refusal costs no writer anything; what it saw then is proven again under the lock.
    """
    last = read_last_position()
    verdicts = []
    for table in read_table_partitions():
        if table.high <= last + 1:
            reason = examine(table, settings)
            verdicts.append(Verdict(table=table.name, reason=reason if reason or dry_run else _drop(table, settings)))
    return verdicts


def examine(table: TablePartition, settings: OutboxSettings) -> str:
    """Return why the table partition must be kept, or an empty string: every row is published and old enough."""
    newest, old = read_snapshots(settings)
    if newest is None or old is None:
        return f"younger than {settings.retention_days:g} days: no window was complete that long ago"
    with connection.cursor() as cursor:
        cursor.execute(compose(sql.PROOF, table, newest=newest, old=old))
        unpublished, first, parked, first_parked, is_young = cursor.fetchone()
    if unpublished:
        return f"{unpublished} rows are not published, from position {first} on: is a relay running?"
    if parked:
        return f"{parked} rows are parked, from position {first_parked} on: redrive them first"
    return f"younger than {settings.retention_days:g} days" if is_young else ""


def read_snapshots(settings: OutboxSettings) -> Snapshots:
    """Return the two snapshots that prove publication and age."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SNAPSHOTS, {"days": settings.retention_days})
        return Snapshots._make(cursor.fetchone())


def _drop(table: TablePartition, settings: OutboxSettings) -> str:
    """Lock, prove, drop; return why not, or an empty string."""
    try:
        with short_locks(settings.maintenance_lock_seconds):
            execute(sql.LOCK_LOG)
            execute(sql.LOCK_TABLE_PARTITION, table)
            reason = examine(table, settings)
            if not reason:
                execute(sql.DROP, table)
            return reason
    except LockNotGrantedError as error:
        return str(error)


def prune_default(settings: OutboxSettings) -> int:
    """Delete the rows of DEFAULT that are published and old enough; return how many."""
    old = read_snapshots(settings).old
    if old is None or not count_default_rows()[0]:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(sql.PRUNE_DEFAULT, {"old": old})
        return int(cursor.rowcount)


def forget_windows() -> int:
    """Delete windows, with their progress, that concern dropped rows only; return how many windows."""
    lows = [each.low or 0 for each in read_table_partitions()]
    _, first_of_default = count_default_rows()
    if first_of_default is not None:
        lows.append(first_of_default)
    total = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(sql.FORGET, {"floor": min(lows, default=0), "limit": _WINDOWS_AT_ONCE})
            count = int(cursor.fetchone()[0])
            total += count
            if count < _WINDOWS_AT_ONCE:
                return total
