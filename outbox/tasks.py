"""Celery's share: upkeep, scheduled by beat in services/settings/base.py."""

from celery import shared_task

from outbox.conf import outbox_settings
from outbox.maintenance import make_table_partitions, prune_log


@shared_task(name="outbox.maintain_outbox")
def maintain_outbox() -> None:
    """Make room ahead, then prune. Losing runs or running twice is fine: each looks at what is there."""
    settings = outbox_settings()
    make_table_partitions(settings)
    prune_log(settings)
