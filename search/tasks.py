"""Celery's share: a sweep that beat starts every second. The rows are the truth.

There is no nudge on commit: an index shows what it was given after a refresh, once a second, and a message for each
invoice would cost the consumer more than the half second that it saves.
"""

from celery import shared_task

from search.indexing import index_batch

#: Then the task ends, and a later one goes on: a worker that is asked to stop waits for its task.
_BATCHES = 50


@shared_task(name="search.index_invoices")
def index_invoices() -> int:
    """Index what waits, batch by batch. Losing runs or running twice is fine. Returns how many were indexed."""
    total = 0
    for _ in range(_BATCHES):
        if not (count := index_batch()):
            break
        total += count
    return total
