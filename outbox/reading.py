"""Reading pages: the window's next rows as records, and the page after it while this one is in flight.

Rows come in binary and text stays the bytes that PostgreSQL sent: nothing is decoded to be encoded again.
"""

import gc
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

from django.db import connection
from django.db.backends.utils import CursorWrapper
from psycopg import Cursor
from psycopg.pq import Format
from psycopg.types.string import ByteaBinaryLoader

from outbox import sql
from outbox.conf import OutboxSettings
from outbox.log import Lease, State, prepare_session
from outbox.page import Record, Records

_FIRST_PAGE = 100  # rows, before anything is known of their size: each may have MAX_DATA_BYTES
_GROWTH = 4
_COLLECT_AFTER = 500_000  # objects made and not freed: several pages of the largest size
_SAMPLE = 64  # rows of a page that tell how large its data is
_ROW_BYTES = 300  # what a row takes beside its data: headers, key, Python's objects


class Page(NamedTuple):
    """Records in order of position; is_last: the window has no more."""

    records: Sequence[Record]
    is_last: bool


class PageReader:
    """Reads pages. Between start() and stop() a thread with a connection of its own reads ahead."""

    def __init__(self, *, settings: OutboxSettings) -> None:
        self._settings = settings
        self._thread: ThreadPoolExecutor | None = None
        self._ahead: tuple[State, Future[Page]] | None = None
        self._limit = min(_FIRST_PAGE, settings.page_size)

    def start(self) -> None:
        """Begin to read ahead: whoever starts must stop.

        Until then the garbage collector runs seldom: a row is ten small objects and none is in a cycle, yet at the
        default threshold of 700 walking them again and again costs four times what it costs to make them.
        """
        self._threshold = gc.get_threshold()
        gc.set_threshold(_COLLECT_AFTER, *self._threshold[1:])
        self._thread = ThreadPoolExecutor(1, "page-reader")

    def stop(self) -> None:
        """Close the thread's connection and end it."""
        self.forget()
        if self._thread is not None:
            self._thread.shutdown()
            self._thread = None
            gc.set_threshold(*self._threshold)

    def forget(self) -> None:
        """Drop what was read ahead, with its connection: the next page is read anew."""
        self._ahead = None
        if self._thread is not None:
            self._thread.submit(lambda: connection.close()).result()  # connection is another one there

    def halve(self, count: int) -> None:
        """A page of so many records was refused: the next one, from the same place, is half of it."""
        self.forget()
        self._limit = max(1, count // 2)

    def read(self, lease: Lease, window: State) -> Page:
        """Return the rows after window.position, and begin to read those after them.

        Raises what the database raises, also for the page read ahead.
        """
        page = self._take(window) or read_page(lease, window, limit=self._limit)
        self._adapt(page)
        # A redrive's next page depends on this one: a row waits behind rows of its key that are still parked.
        if self._thread is not None and not page.is_last and window.positions is None:
            after = window._replace(position=page.records[-1].position)
            self._ahead = after, self._thread.submit(self._read_ahead, lease, after, limit=self._limit)
        return page

    def _take(self, window: State) -> Page | None:
        ahead, self._ahead = self._ahead, None
        if ahead is None or ahead[0]._replace(page=window.page) != window:
            return None
        return ahead[1].result()

    def _adapt(self, page: Page) -> None:
        """Choose the next page's rows, so that a page has at most about PAGE_BYTES."""
        if page.records:
            size = _mean_bytes(page.records) + _ROW_BYTES
            fitting = int(self._settings.page_bytes / size)
            self._limit = max(1, min(fitting, self._limit * _GROWTH, self._settings.page_size))

    def _read_ahead(self, lease: Lease, window: State, *, limit: int) -> Page:
        if connection.connection is None:
            prepare_session(lease_seconds=self._settings.lease_seconds)
        return read_page(lease, window, limit=limit)


def _mean_bytes(records: Sequence[Record]) -> float:
    """Return the mean size of the data, of rows evenly spread over the page."""
    chosen = range(0, len(records), max(1, len(records) // _SAMPLE))
    return sum(len(records[index].value) for index in chosen) / len(chosen)


def read_page(lease: Lease, window: State, *, limit: int) -> Page:
    """Return the window's rows after window.position, at most `limit`, on this thread's connection."""
    answer = execute_raw(sql.PAGE if window.positions is None else sql.PAGE_OF_POSITIONS, {
        "base": window.base, "snapshot": window.snapshot, "first": window.first_position, "positions": window.positions,
        "after": window.position, "rebase": lease.rebase_position, "limit": limit,
    })  # fmt: skip
    records = Records(answer, generation=lease.generation, window_id=window.window_id)
    return Page(records, is_last=len(records) < limit)


def execute_raw(statement: str, parameters: Mapping[str, Any]) -> Cursor[tuple[Any, ...]]:
    """Return the whole answer, in this process's memory, of a statement with outbox.page.Row's columns; text as bytes.

    Django's wrapper is around psycopg's cursor that binds on the server: only those have binary results.
    """
    connection.ensure_connection()
    cursor = Cursor(connection.connection)
    cursor.format = Format.BINARY
    cursor.adapters.register_loader("text", ByteaBinaryLoader)
    CursorWrapper(cursor, connection).execute(statement, parameters)
    return cursor
