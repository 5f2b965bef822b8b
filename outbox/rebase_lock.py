"""What a rebase holds: first the lease, so that no relay publishes; then the log, so that nothing is recorded."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import OperationalError, connection

from outbox import log
from outbox import rebasing_sql as sql
from outbox.conf import OutboxSettings
from outbox.exceptions import LeadershipLostError, LeaseHeldError, LockNotGrantedError
from outbox.status import read_writers
from outbox.table_partitions import short_locks
from watching.text import age


def take_lease(settings: OutboxSettings) -> log.Lease:
    """Return the lease. Raises LeaseHeldError, which names who has it, and StandbyError."""
    owner = f"{socket.gethostname()}:{os.getpid()}:rebase"
    try:
        lease = log.take_lease(owner=owner, lease_seconds=settings.lease_seconds)
    except OperationalError as error:
        if not isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
            raise
        raise LeaseHeldError("another rebase_outbox is at work: wait for its end") from error
    if lease is None:
        leader, seconds = _read_lease()
        raise LeaseHeldError(f"{leader} leads: stop every relay, or wait {max(seconds, 0):.0f} s, and run it again")
    return lease


@contextmanager
def lock_log(lease: log.Lease, settings: OutboxSettings) -> Iterator[None]:
    """One READ COMMITTED transaction beside which nothing is recorded and nobody leads.

    Waits for a lease's time, within which the lease cannot be renewed. Raises LockNotGrantedError, which names the
    transactions that are open, and LeadershipLostError.
    """
    try:
        with short_locks(settings.lease_seconds), connection.cursor() as cursor:
            cursor.execute(sql.LOCK)
            cursor.execute(sql.FENCE, {"epoch": lease.epoch})
            if cursor.fetchone() is None:
                raise LeadershipLostError("another relay took the lead meanwhile: stop every relay, and run it again")
            yield
    except LockNotGrantedError as error:
        raise LockNotGrantedError(
            f"the log is in use, no lock within {settings.lease_seconds:g} s: {_name_writers()}. "
            "End what has recorded events (manage.py explain_lag says how), and run it again"
        ) from error


def _read_lease() -> tuple[str, float]:
    with connection.cursor() as cursor:
        cursor.execute(sql.LEASE)
        owner, seconds = cursor.fetchone()
        return owner, seconds


def _name_writers() -> str:
    writers = [writer for writer in read_writers(connection) if writer.is_here]
    named = [f"{each.name} ({each.application or 'no name'}, {each.state}, {age(each.age)})" for each in writers]
    return ", ".join(named) or "by a transaction that has ended since"
