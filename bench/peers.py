"""Other ways to drain an outbox, written as well as we can: the same publisher, headers, page size and raw reading."""

import time
from typing import LiteralString

from psycopg import Cursor
from psycopg.types.string import ByteaBinaryLoader

from bench import sql
from bench.database import Database
from bench.log import settle
from outbox.page import to_records
from outbox.publisher import Progress, Publisher

_PROGRESS = Progress(1, 0, 0, 0)  # peers keep none on the broker
PEERS: dict[str, LiteralString] = {
    "skip_locked_delete": sql.TAKE_BY_DELETE,
    "skip_locked_update": sql.TAKE_BY_UPDATE,
}


def fill_queue(database: Database) -> None:
    """Give the peers the log's rows in a fresh table of their own, vacuumed and analysed."""
    database.execute(sql.MAKE_QUEUE)
    database.execute(sql.FILL_QUEUE)
    database.execute("VACUUM (ANALYZE) bench_queue")
    settle(database)


def drain_queue(database: Database, publisher: Publisher, statement: LiteralString, *, page_size: int) -> float:
    """Return events/s: take a page, publish it, commit, until the queue is empty."""
    started, total = time.perf_counter(), 0
    while count := _publish_page(database, publisher, statement, page_size):
        total += count
    publisher.close()
    return total / (time.perf_counter() - started)


def _publish_page(database: Database, publisher: Publisher, statement: LiteralString, page_size: int) -> int:
    with database.transaction(), Cursor(database) as cursor:
        cursor.adapters.register_loader("text", ByteaBinaryLoader)
        # prepare=False: a generic plan would take the queue's whole index for a page.
        cursor.execute(statement, {"limit": page_size}, prepare=False, binary=True)
        rows = sorted(cursor.fetchall())  # RETURNING promises no order
        publisher.publish(to_records(rows, generation=1, window_id=0), progress=_PROGRESS, while_waiting=_nothing)
    return len(rows)


def _nothing() -> None:
    """A queue has no lease to renew."""
