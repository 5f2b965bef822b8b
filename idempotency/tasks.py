"""Celery's share: upkeep, scheduled by beat in services/settings/base.py."""

from celery import shared_task

from idempotency import pruning

#: About a minute's work at most; what is left waits for the next run.
CHUNKS = 500


@shared_task(name="idempotency.prune_keys")
def prune_keys() -> int:
    """Prune. Losing runs or running twice is fine: each looks at what is there. Returns how many went."""
    return pruning.prune_keys(chunks=CHUNKS)
