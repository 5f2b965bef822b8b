"""The bench's database, made anew for each run of the bench, and the plain connection that measures from outside."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.core.management import call_command
from django.db import connection
from psycopg import sql as quoting

Database = psycopg.Connection[tuple[Any, ...]]


def make() -> None:
    """Drop the bench's database, make it again, with the tables of outbox and inbox."""
    make_empty(connection.settings_dict["NAME"])
    call_command("migrate", verbosity=0)


def make_empty(database: str) -> None:
    """Drop a database of the server, make it again."""
    name = quoting.Identifier(database)
    with psycopg.connect(**_parameters() | {"dbname": "postgres"}, autocommit=True) as server:
        server.execute(quoting.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        server.execute(quoting.SQL("CREATE DATABASE {}").format(name))


@contextmanager
def connect() -> Iterator[Database]:
    """A connection apart from those that are measured. Parameters are bound here, so a text may hold statements."""
    with psycopg.connect(**_parameters(), autocommit=True, cursor_factory=psycopg.ClientCursor) as database:
        yield database


def ask(database: Database, statement: str) -> tuple[Any, ...]:
    """Return the one row of a statement."""
    row = database.execute(statement).fetchone()
    assert row is not None  # noqa: S101
    return tuple(row)


def _parameters() -> dict[str, Any]:
    names = ("host", "port", "user", "password", "dbname")
    return {name: value for name, value in connection.get_connection_params().items() if name in names}
