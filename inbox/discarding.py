"""Discard: a person gives a parked event up, says why, and that is kept. Its effect never happens.

What queues behind it stays parked, in order, and its key stays blocked until a redrive: whoever gave one event up must
say that the later ones are still right without it.
"""

import structlog
from django.utils import timezone

from inbox.exceptions import NotParkedError
from inbox.models import ParkedEvent
from inbox.redriving import holding_partition
from inbox.waiting import ORDERED

logger = structlog.get_logger(__name__)


def discard(event: ParkedEvent, *, by: str, reason: str) -> int:
    """Resolve the parked event without its effect; return how many events of its key wait for a redrive.

    by and reason are stored and logged; the database refuses empty ones. Raises NotParkedError when it waits no more.
    """
    with holding_partition(event):
        changed = ParkedEvent.objects.filter(pk=event.pk, resolved_at=None).update(
            resolved_at=timezone.now(), resolution=ParkedEvent.Resolution.DISCARDED, resolved_by=by,
            discard_reason=reason,
        )  # fmt: skip
        if not changed:
            raise NotParkedError(f"{event} was redriven or discarded meanwhile")
        waiting = _waiting_behind(event)
    logger.warning(
        "parked event discarded", by=by, why=reason, consumer=event.consumer, event_id=event.event_id,
        source=event.source, fingerprint=event.fingerprint,
    )  # fmt: skip
    return waiting


def _waiting_behind(event: ParkedEvent) -> int:
    key = {"topic": event.topic, "partition": event.partition, "partition_key": event.partition_key}
    return ParkedEvent.objects.filter(ORDERED, consumer=event.consumer, resolved_at=None, **key).count()
