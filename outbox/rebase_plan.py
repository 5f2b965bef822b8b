"""What a rebase found and would do, for a person at 3 am."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db import connection

from outbox import rebasing_sql as sql
from outbox.comparing import FIRST, Comparison

_AT_ONCE = 10_000  # rows that are classified, and parked, in one round
_CLASSES = {
    "published": "rows in question are on their topic: nothing to do",
    "missing": "rows of the log are not on their topic: they will be published, in order",
    "resolved": "parked rows are on their topic: they will be resolved, and unblock their keys",
    "waiting": "parked rows are not on their topic: they stay parked (manage.py redrive_outbox --dry-run)",
}
_STRAYS = "this log has no row of them, consumers may have applied them, and nothing here undoes that: a person decides"


@dataclass
class Class:
    """One class of rows: how many, and the positions of the first."""

    count: int = 0
    first: list[int] = field(default_factory=list)

    def add(self, position: int) -> None:
        """Count it."""
        self.count += 1
        if len(self.first) < FIRST:
            self.first.append(position)


@dataclass(kw_only=True)
class Plan:
    """The classes of rows and what becomes of the log; `why` is empty when there is nothing to do.

    known_identity: of the database that the log was published from; identity: of this one. newest: (generation,
    window) of the log. rebase_position: None when --apply has to make the table partition behind it.
    """

    known_identity: str
    identity: str
    newest: tuple[int, int]
    why: str
    generation: int
    rebase_position: int | None
    topics: Comparison
    published: Class = field(default_factory=Class)
    missing: Class = field(default_factory=Class)
    resolved: Class = field(default_factory=Class)
    waiting: Class = field(default_factory=Class)

    def lines(self) -> Iterator[str]:
        """Yield the plan line by line. Reads the rows that it shows."""
        yield f"this database is         {self.identity} (system/timeline/database/table)"
        yield f"the log was published by {self.known_identity or 'nobody'}"
        yield f"the log's newest window  {_window(self.newest)}"
        yield f"met on the topics        {_window(self.topics.newest)}"
        for name, meaning in _CLASSES.items():
            found: Class = getattr(self, name)
            yield f"\n{found.count} {meaning}"
            yield from _describe(found)
        yield f"\n{self.topics.stray_count} records are on the topics only: {_STRAYS}"
        for stray in self.topics.strays:
            place = f"{stray.topic}[{stray.partition}]@{stray.offset}"
            yield f"  {place}  {stray.event_type!r}  {stray.event_id!r}  key {stray.key!r}  {stray.time!r}"
        yield from _more(self.topics.stray_count)
        if self.why:
            yield f"\na rebase is needed: {self.why}"
            yield f"then: generation {self.generation}, positions go on above {_position(self.rebase_position)}"


def classify(plan: Plan, from_position: int | None) -> Iterator[tuple[list[int], list[int]]]:
    """Count every row in question in its class of the plan; yield what is missing and what is resolved, in rounds."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql.UNPUBLISHED, {"from": from_position})
        while rows := cursor.fetchmany(_AT_ONCE):
            found: dict[str, list[int]] = {"missing": [], "resolved": []}
            for position, reason in rows:
                name = _class_of(reason, is_met=position in plan.topics.positions)
                getattr(plan, name).add(position)
                found.setdefault(name, []).append(position)
            yield found["missing"], found["resolved"]


def _class_of(reason: str | None, *, is_met: bool) -> str:
    """Return the class of a row; reason: why it is parked. What an earlier rebase found missing still is, till met."""
    if is_met:
        return "published" if reason is None else "resolved"
    return "missing" if reason in (None, "missing") else "waiting"


def _describe(rows: Class) -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(sql.DESCRIBE, {"positions": rows.first})
        for position, topic, event_type, event_id, key, time in cursor.fetchall():
            yield f"  position {position}  {topic}  {event_type}  {event_id}  key {key!r}  {time}"
    yield from _more(rows.count)


def _more(count: int) -> Iterator[str]:
    if count > FIRST:
        yield f"  and {count - FIRST} more"


def _window(newest: tuple[int, int]) -> str:
    return "none" if newest == (0, 0) else f"{newest[1]} of generation {newest[0]}"


def _position(position: int | None) -> str:
    return "where the next table partition begins, which --apply makes" if position is None else str(position)
