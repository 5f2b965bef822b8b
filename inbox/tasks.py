"""Celery's share: upkeep, scheduled by beat in services/settings/base.py."""

from celery import shared_task

from inbox import pruning
from inbox.conf import inbox_settings

#: About a minute's work at most; what is left waits for the next run.
_CHUNKS = 500


@shared_task(name="inbox.prune_inbox")
def prune_inbox() -> None:
    """Prune. Losing runs or running twice is fine: each looks at what is there, and they exclude each other."""
    pruning.prune_inbox(inbox_settings(), chunks=_CHUNKS)
