"""The shadow: a table like a projection's, in a schema of its own, with the same names for all that belongs to it.

While its schema is the search path, the projection's own statements write to it, and no other table is in sight: what
a projection adds cannot depend on anything but events, nor touch anything else.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.db import connection, transaction
from psycopg import sql as quoting

from billing.projections import sql
from billing.projections.projecting import Projection
from inbox.handlers import Event
from inbox.receiving import binding_cursor

Identity = tuple[str, str]


class Content(NamedTuple):
    """All rows of a table: how many, and their digest."""

    rows: int
    digest: str


class Shadow:
    """One projection's shadow table, and the ids of the events that were added to it."""

    def __init__(self, projection: Projection) -> None:
        table = projection.model._meta.db_table
        schema, live_schema = f"rebuild_{table}", _ask(sql.SCHEMA_OF, [table])[0]
        columns = [str(field.column) for field in projection.model._meta.concrete_fields]
        self._projection = projection
        self._names: dict[str, quoting.Composable] = {
            "schema": quoting.Identifier(schema), "live_schema": quoting.Identifier(live_schema),
            "shadow": quoting.Identifier(schema, table), "live": quoting.Identifier(live_schema, table),
            "key": quoting.Identifier(str(projection.model._meta.pk.column)),
            "columns": quoting.SQL(", ").join(map(quoting.Identifier, columns)),
        }  # fmt: skip

    def make(self) -> None:
        """Make it empty; one that a rebuild which died has left goes."""
        self.drop()
        with connection.schema_editor() as editor:
            editor.execute(self._quote(sql.MAKE_SCHEMA))
            editor.execute(self._quote(sql.ENTER_SCHEMA))
            editor.create_model(self._projection.model)
            editor.execute(sql.MAKE_SEEN)

    def see(self, identities: Sequence[Identity]) -> set[Identity]:
        """Note that events of these sources and ids are added; return those that were not before."""
        if not identities:
            return set()
        sources, ids = map(list, zip(*identities, strict=True))
        with self._entered(), binding_cursor() as cursor:
            cursor.execute(sql.SEE, {"source": sources, "event_id": ids})
            return set(cursor.fetchall())

    def add(self, events: Sequence[Event]) -> None:
        """Add the events as the projection does."""
        with self._entered():
            self._projection.add(events)

    def analyze(self) -> None:
        """Let the planner know it, before anybody reads it."""
        _execute(self._quote(sql.ANALYZE))

    def content(self) -> Content:
        """Return what it holds."""
        return Content(*_ask(self._quote(sql.DIGEST, table=self._names["shadow"])))

    def live_content(self) -> Content:
        """Return what the live table holds."""
        return Content(*_ask(self._quote(sql.DIGEST, table=self._names["live"])))

    def describe_difference(self) -> str:
        """Return in words what the live table has otherwise."""
        missing, extra, other, keys = _ask(self._quote(sql.DIFFERENCES))
        counts = f"{missing:,} rows missing, {extra:,} too many, {other:,} with other values"
        return f"{counts}; the last by key: {', '.join(keys)}"

    def swap(self, *, wait_seconds: float) -> None:
        """Put it in the live table's place, which is dropped. Raises OperationalError when that is used for so long."""
        _ask(sql.LOCK_TIMEOUT, [f"{wait_seconds:.3f}s"])
        _execute(self._quote(sql.LOCK_LIVE))
        _execute(self._quote(sql.SWAP))

    def drop(self) -> None:
        """Drop it, if it is there, and all that belongs to it."""
        _execute(self._quote(sql.DROP_SCHEMA))

    @contextmanager
    def _entered(self) -> Iterator[None]:
        """Inside, names without a schema are the shadow's; in a transaction of its own, or the caller's."""
        with transaction.atomic():
            [outside] = _ask(sql.SEARCH_PATH)
            _execute(self._quote(sql.ENTER_SCHEMA))
            yield
            _ask(sql.SET_SEARCH_PATH, [outside])

    def _quote(self, statement: str, **names: quoting.Composable) -> str:
        return quoting.SQL(statement).format(**self._names | names).as_string()


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _ask(statement: str, parameters: list[str] | None = None) -> Any:
    """Return the one row."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchone()
