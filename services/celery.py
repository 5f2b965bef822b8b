"""The Celery app of both services: SERVICE=payments celery -A services worker --queues payments.

Tasks are nudges, the rows are the truth (see docs): the broker may be lost with all that is in it.
"""

import os
from typing import Any

from celery import Celery
from celery.signals import task_prerun
from django.db import close_old_connections

from services import select_settings

select_settings()
#: For web, worker and beat, in libpq's own variable: a process that is paused in a transaction must not keep its locks,
#: and nobody waits for a lock for ever. Whoever is ended answers 503, or is swept up. What is set already wins.
os.environ.setdefault("PGOPTIONS", "-c idle_in_transaction_session_timeout=10s -c lock_timeout=15s")
app = Celery("services")
app.config_from_object("django.conf:settings", namespace="CELERY")
# By default Celery's Django fix-up connects anew for every task: a third of a gateway call's time.
app.conf.CELERY_DB_REUSE_MAX = 1_000
app.autodiscover_tasks()


@task_prerun.connect
def _replace_dead_connections(**_: Any) -> None:
    """A connection that the database closed since the last task is replaced, not raised."""
    close_old_connections()
