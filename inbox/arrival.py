"""Has an event taken effect here? Asked by its identity, for readers who wait for it."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from django.db import connection
from django.utils import timezone

from inbox import sql
from inbox.conf import inbox_settings


class Arrival(StrEnum):
    """APPLIED: as far as it ever will be: also a duplicate, discarded, or pruned since."""

    APPLIED = "applied"
    PARKED = "parked"
    AWAITED = "awaited"


def find_arrival(consumer: str, source: str, event_id: UUID) -> Arrival:
    """Look once. event_id: of version 7, as this template's outboxes make them; its time tells what may be pruned."""
    with connection.cursor() as cursor:
        cursor.execute(sql.ARRIVAL, {"consumer": consumer, "source": source, "event_id": str(event_id)})
        is_parked, is_remembered, is_pruned_of = cursor.fetchone()
    if is_parked:
        return Arrival.PARKED
    if is_remembered or (is_pruned_of and _may_be_pruned(event_id)):
        return Arrival.APPLIED
    return Arrival.AWAITED


def _may_be_pruned(event_id: UUID) -> bool:
    """An id was made before its event was received, so one that is younger than the retention was never pruned."""
    made_at = datetime.fromtimestamp((event_id.int >> 80) / 1_000, UTC)
    # A day at least: with less, what is on its way would soon look like what is long gone.
    return timezone.now() - made_at > timedelta(days=max(inbox_settings().retention_days, 1))
