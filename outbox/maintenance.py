"""Upkeep of the log: room ahead of the writers, and an end to what the retention allows to go.

Idempotent, and any number of copies may run: they exclude each other by a lock of the log.
"""

from dataclasses import dataclass

import structlog

from outbox.conf import OutboxSettings
from outbox.exceptions import LockNotGrantedError
from outbox.pruning import Verdict, forget_windows, prune, prune_default
from outbox.table_partitions import count_default_rows, make_next

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Upkeep:
    """What one run did. `refused`: why it could not make all that is wanted; `default_rows`: an alarm above 0."""

    made: list[str]
    refused: str
    default_rows: int


@dataclass(frozen=True, kw_only=True)
class Pruning:
    """What one run dropped and kept; counts of rows deleted from DEFAULT and of windows forgotten."""

    verdicts: list[Verdict]
    default_rows: int = 0
    windows: int = 0

    @property
    def dropped(self) -> list[str]:
        return [each.table for each in self.verdicts if not each.reason]

    @property
    def kept(self) -> list[Verdict]:
        return [each for each in self.verdicts if each.reason]


def make_table_partitions(settings: OutboxSettings) -> Upkeep:
    """Make table partitions until OUTBOX["TABLE_PARTITIONS_AHEAD"] wait above the last position drawn."""
    made, refused = [], ""
    try:
        while table := make_next(settings):
            made.append(table.name)
    except LockNotGrantedError as error:
        refused = str(error)
        logger.warning("no table partition could be made", reason=refused)
    count, first = count_default_rows()
    if count:
        logger.warning(
            "rows in the default table partition", count=count, first_position=first,
            next_step="upkeep comes too late: raise OUTBOX['TABLE_PARTITIONS_AHEAD'] or run it more often",
        )  # fmt: skip
    logger.info("table partitions made", made=made)
    return Upkeep(made=made, refused=refused, default_rows=count)


def prune_log(settings: OutboxSettings, *, dry_run: bool = False) -> Pruning:
    """Drop what is published and older than OUTBOX["RETENTION_DAYS"], and the windows that published it.

    With dry_run nothing is locked or changed, and `dropped` is what would be.
    """
    verdicts = prune(settings, dry_run=dry_run)
    if dry_run:
        return Pruning(verdicts=verdicts)
    done = Pruning(verdicts=verdicts, default_rows=prune_default(settings), windows=forget_windows())
    logger.info(
        "log pruned", dropped=done.dropped, windows=done.windows,
        kept={each.table: each.reason for each in done.kept},
    )  # fmt: skip
    return done
