"""Every row of the database with the transaction that wrote it: what a second receipt must not change.

A row that is written again with the same values counts as changed. Read as text into memory: a test has few.
"""

from collections import Counter

from django.db import connection
from psycopg import sql

_TABLES = """
SELECT n.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND NOT (c.relname = ANY (%(but)s))
ORDER BY n.nspname, c.relname
"""
#: xmin: the transaction that wrote this version of the row; an UPDATE to equal values shows in it.
_ROWS = sql.SQL("SELECT t.xmin::text, t::text FROM ONLY {} AS t")
Rows = Counter[tuple[str, str, str]]


def read_rows(*, but: tuple[str, ...] = ()) -> Rows:
    """Return (table, writing transaction, row as text) of every table but those named."""
    rows = Rows()
    with connection.cursor() as cursor:
        cursor.execute(_TABLES, {"but": list(but)})
        for schema, table in cursor.fetchall():
            cursor.execute(_ROWS.format(sql.Identifier(schema, table)))
            rows.update((table, transaction, row) for transaction, row in cursor.fetchall())
    return rows


def assert_unchanged(before: Rows, after: Rows, *, when: str) -> None:
    """Raise AssertionError that lists the rows which appeared and went."""
    came = [f"  + {table} {row}" for table, _, row in (after - before).elements()]
    went = [f"  - {table} {row}" for table, _, row in (before - after).elements()]
    if came or went:
        raise AssertionError("\n".join([f"rows changed {when}:", *went, *came]))
