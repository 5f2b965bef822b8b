"""Does the index follow? For check_search."""

from typing import NamedTuple

from django.db import connection

from search import sql
from search.conf import SearchSettings
from watching.database import read_rows
from watching.health import Verdict
from watching.text import age

_MOST = 10_000


class Status(NamedTuple):
    """What waits: how many invoices (counted up to 10,000), the age of the oldest change, and its last problem."""

    waiting: int
    seconds: float
    problem: str


def read_status() -> Status:
    """Read the rows; OpenSearch is not asked."""
    [row] = read_rows(connection, sql.STATUS, {"most": _MOST})
    return Status(*row)


def check_health(status: Status, *, settings: SearchSettings) -> Verdict:
    """Judge what waits: longer than BEHIND_SECONDS is red."""
    if not status.waiting:
        return Verdict(True, "every invoice is in the index as it is")
    count = f"{_MOST:,} invoices or more" if status.waiting == _MOST else f"{status.waiting:,} invoices"
    waits = f"{count} wait, the oldest for {age(status.seconds)}"
    said = f"; the last problem: {status.problem}" if status.problem else ""
    if status.seconds > settings.behind_seconds:
        return Verdict(False, f"behind: {waits}{said}")
    return Verdict(True, f"{waits}{said}")
