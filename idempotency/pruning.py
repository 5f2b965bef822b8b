"""Pruning: forget keys and answers that are older than the retention.

A key is known until its row is gone, however old it is: a press never asks for the age, so it costs nothing there, and
upkeep that comes late keeps keys longer, never shorter.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

import structlog
from django.utils import timezone

from idempotency.conf import idempotency_settings
from idempotency.models import IdempotencyKey

logger = structlog.get_logger(__name__)
#: Rows that one statement deletes: answers are small, and nobody waits for it but who presses with one of these keys.
ROWS_AT_ONCE = 2_000


def prune_keys(*, dry_run: bool = False, chunks: int | None = None) -> int:
    """Delete keys older than IDEMPOTENCY["RETENTION_HOURS"], at most so many chunks of them; return how many.

    Any number of copies may run. With dry_run nothing is changed, and the count is what would go.
    """
    count = 0
    for number, ids in enumerate(_old_ids(), start=1):
        old = IdempotencyKey.objects.filter(pk__in=ids)
        count += old.count() if dry_run else old.delete()[0]
        if number == chunks:
            break
    logger.info("idempotency keys pruned", keys=count, dry_run=dry_run)
    return count


def _old_ids() -> Iterator[list[int]]:
    """Yield what is old in the order in which it was made, which the primary key knows: no index serves pruning."""
    before, after = timezone.now() - timedelta(hours=idempotency_settings().retention_hours), 0
    while ids := _next_ids(before, after):
        yield ids
        after = ids[-1]


def _next_ids(before: datetime, after: int) -> list[int]:
    rows = IdempotencyKey.objects.filter(pk__gt=after).order_by("pk").values_list("pk", "created_at")[:ROWS_AT_ONCE]
    return [pk for pk, created_at in rows if created_at < before]
