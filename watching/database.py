"""Reading a database that may be in trouble, for people and for scrapes."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

#: Whoever watches must not hang when the database does, and is served by an index whatever the statistics say.
SESSION = """
SELECT set_config('statement_timeout', '5s', false), set_config('enable_seqscan', 'off', false),
       set_config('enable_bitmapscan', 'off', false)
"""


def prepare(database: BaseDatabaseWrapper) -> None:
    """Set what statements of the watching rely on; once a connection, and not on one that does the work."""
    read_rows(database, SESSION)


@contextmanager
def own_connection() -> Iterator[BaseDatabaseWrapper]:
    """Give a connection of its own, prepared, closed at the end."""
    database = connection.copy()
    database.settings_dict["OPTIONS"] = database.settings_dict["OPTIONS"] | {"connect_timeout": 5}
    with closing(database):
        prepare(database)
        yield database


def read_rows(
    database: BaseDatabaseWrapper, statement: str, parameters: Mapping[str, Any] | None = None
) -> list[tuple[Any, ...]]:
    """Return all rows of a statement."""
    with database.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
