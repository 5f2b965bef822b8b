"""The inbox's part of the bench."""

from uuid_utils.compat import uuid7

from bench import arrivals, effects, inbox_sizes, sql
from bench.consuming import Speed, consume
from bench.database import Database
from bench.figures import Figures
from bench.inbox_limit import consume_bare, insert_only
from inbox.conf import InboxSettings, inbox_settings

#: The poisons, and the part of the events that is received with each: what is halved is slow.
POISONED = {"refused": 1, "raising": 10}
BATCH, ORM = "bench.event.happened.v1", "bench.noted.happened.v1"


def run(database: Database, figures: Figures, *, runs: int, rows: int, is_full: bool) -> None:
    """Everything about the inbox, from what is short to what is long."""
    settings = inbox_settings()
    database.execute(sql.MAKE_EFFECTS)
    count = rows // 2
    _fill(settings, count)
    for _ in range(runs):
        _round(database, figures, settings, count=count)
    chosen = settings.model_copy(update={"topics": ["bench.arrivals"]})
    inbox_sizes.run(database, figures, chosen, runs=runs, count=count, rows=10_000_000 if is_full else 2 * rows)
    effects.run(database, figures, settings, runs=runs)


def _fill(settings: InboxSettings, count: int) -> None:
    servers = settings.bootstrap_servers
    arrivals.fill("bench.arrivals", count=count, bootstrap_servers=servers, event_type=BATCH)
    arrivals.fill("bench.noted", count=count // 10, bootstrap_servers=servers, event_type=ORM)
    for poison, part in POISONED.items():
        arrivals.fill(
            f"bench.{poison}", count=count // part, bootstrap_servers=servers, event_type=BATCH, poison=poison
        )


def _round(database: Database, figures: Figures, settings: InboxSettings, *, count: int) -> None:
    consuming = consume_bare(
        "bench.arrivals", count=count, batch_size=settings.batch_size, bootstrap_servers=settings.bootstrap_servers
    )
    database.execute(sql.EMPTY_INBOX)
    inserting = insert_only([str(uuid7()) for _ in range(count)], batch_size=settings.batch_size)
    figures.add("inbox_limit_consume", consuming, "events/s")
    figures.add("inbox_limit_insert", inserting, "events/s")
    batch = _consume(database, settings, "bench.arrivals", count=count, first=sql.EMPTY_INBOX)
    figures.add("inbox_batch", batch.events_per_second, "events/s")
    figures.add("inbox_batch_ratio", batch.events_per_second / min(consuming, inserting), "of_slower_limit")
    figures.add("inbox_batch_cpu", batch.cpu, "us_per_event")
    figures.add("inbox_batch_statements", batch.statements, "per_1000_events")
    again = _consume(database, settings, "bench.arrivals", count=count, first=sql.REWIND_INBOX)
    figures.add("inbox_duplicates", again.events_per_second, "events/s")
    orm = _consume(database, settings, "bench.noted", count=count // 10, first=sql.EMPTY_INBOX)
    figures.add("inbox_orm", orm.events_per_second, "events/s")
    for poison, part in POISONED.items():
        poisoned = _consume(database, settings, f"bench.{poison}", count=count // part, first=sql.EMPTY_INBOX)
        name = "inbox_poison_ratio" if poison == "refused" else f"inbox_poison_{poison}_ratio"
        figures.add(name, poisoned.events_per_second / batch.events_per_second, "of_without")


def _consume(database: Database, settings: InboxSettings, topic: str, *, count: int, first: str) -> Speed:
    database.execute(first)
    database.execute("CHECKPOINT")
    return consume(database, settings.model_copy(update={"topics": [topic]}), count=count)
