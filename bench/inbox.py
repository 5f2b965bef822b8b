"""The inbox's part of the bench."""

from uuid_utils.compat import uuid7

from bench import arrivals, effects, inbox_sizes, sql
from bench.consuming import Speed, consume
from bench.database import Database
from bench.figures import Figures
from bench.inbox_limit import consume_bare, insert_only
from inbox.conf import InboxSettings, inbox_settings

#: The poisons of a batch handler, and the figures that tell of them.
POISONED = {
    "refused": "inbox_poison_ratio", "raising": "inbox_poison_raising_ratio", "breaking": "inbox_poison_breaking_ratio",
}  # fmt: skip
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
    for poison in POISONED:
        arrivals.fill(f"bench.{poison}", count=count // 4, bootstrap_servers=servers, event_type=BATCH, poison=poison)
    arrivals.fill("bench.noted_raising", count=count // 10, bootstrap_servers=servers, event_type=ORM, poison="raising")


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
    _poison(database, figures, settings, count=count, batch=batch, orm=orm)


def _poison(
    database: Database, figures: Figures, settings: InboxSettings, *, count: int, batch: Speed, orm: Speed
) -> None:
    """Beside the same handlers without poison, in the same round."""
    ratios = {}
    for poison, name in POISONED.items():
        poisoned = _consume(database, settings, f"bench.{poison}", count=count // 4, first=sql.EMPTY_INBOX)
        ratios[name] = poisoned.events_per_second / batch.events_per_second
    poisoned = _consume(database, settings, "bench.noted_raising", count=count // 10, first=sql.EMPTY_INBOX)
    ratios["inbox_poison_orm_ratio"] = poisoned.events_per_second / orm.events_per_second
    for name, ratio in ratios.items():
        figures.add(name, ratio, "of_without")
    costs = 1 - min(ratios["inbox_poison_raising_ratio"], ratios["inbox_poison_orm_ratio"])
    figures.add("inbox_poison_share", costs, "of_throughput")


def _consume(database: Database, settings: InboxSettings, topic: str, *, count: int, first: str) -> Speed:
    database.execute(first)
    database.execute("CHECKPOINT")
    return consume(database, settings.model_copy(update={"topics": [topic]}), count=count)
