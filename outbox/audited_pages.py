"""What the database says was published: pages, and the rows that they had to hold, asked of the log again."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from django.db import connection

from outbox import audit_sql as sql
from outbox.exceptions import WindowNotFoundError
from outbox.log import Lease, State
from outbox.page import Record
from outbox.reading import execute_raw, read_page
from outbox.topic_reader import Partition

_LAST_POSITION = 2**63 - 1


class AuditedPage(NamedTuple):
    """One acknowledged page. `position` is its last row's; `after`: the position that the page before it ended with."""

    generation: int
    window_id: int
    page: int
    position: int
    row_count: int
    is_complete: bool
    spans: dict[Partition, tuple[int, int]]  # first and last offset
    base: str
    snapshot: str
    first_position: int | None
    positions: list[int] | None
    rebase_position: int
    after: int


def read_range() -> tuple[int, int]:
    """Return the oldest and the newest window that have progress. There always is one."""
    oldest, newest = _ask(sql.RANGE, {})[0]
    return oldest, newest


def check_range(first: int | None, last: int | None) -> tuple[int, int]:
    """Return the windows to audit, by default all that are kept. Raises WindowNotFoundError."""
    oldest, newest = read_range()
    chosen = oldest if first is None else first, newest if last is None else last
    if chosen[0] < oldest:
        raise WindowNotFoundError(f"window {chosen[0]} was pruned: the oldest that is kept is {oldest}")
    if chosen[1] > newest or chosen[0] > chosen[1]:
        raise WindowNotFoundError(
            f"windows {chosen[0]} to {chosen[1]}: the newest with an acknowledged page is {newest}"
        )
    return chosen


def read_pages(first: int, last: int) -> Iterator[AuditedPage]:
    """Yield the pages of the windows in the order in which they were published."""
    window_id, page, position = first, -1, 0
    while found := _ask(sql.PAGES, {"window_id": window_id, "page": page, "last": last}):
        for row in found:
            after = position if row[1] == window_id else 0
            offsets = json.loads(row[6])
            spans = {(t, int(p)): (span[0], span[1]) for t, by_p in offsets.items() for p, span in by_p.items()}
            yield AuditedPage._make((*row[:6], spans, *row[7:], after))
            window_id, page, position = row[1:4]


def read_records(page: AuditedPage, *, limit: int) -> Iterator[Record]:
    """Yield the records from the page before up to this one's last; after a window's last page, whatever is left of it.

    Not the rows that the relay counted: those that the window's snapshots say it had. `limit`: rows read at once.
    """
    after, until = page.after, _LAST_POSITION if page.is_complete else page.position
    while True:
        rows = _read_after(page, after, limit)
        yield from (row for row in rows if row.position <= until)
        if len(rows) < limit or rows[-1].position >= until:
            return
        after = rows[-1].position


def read_parked(page: AuditedPage) -> set[int]:
    """Return the positions that the page's window passed over, from this page on."""
    names = {"generation": page.generation, "window_id": page.window_id, "after": page.after}
    return {position for (position,) in _ask(sql.PARKED, names)}


def find_row(event_id: str, source: str) -> tuple[Any, ...] | None:
    """Return the log's row of an id (a UUID) and a source, with the fields of outbox.page.Row."""
    return execute_raw(sql.BY_ID, {"event_id": event_id, "source": source}).fetchone()


def _read_after(page: AuditedPage, after: int, limit: int) -> Sequence[Record]:
    window = State(
        page.window_id, page.base, page.snapshot, page.first_position, page.positions, page.page - 1, after, False
    )
    return read_page(Lease(0, page.generation, page.rebase_position), window, limit=limit).records


def _ask(statement: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
