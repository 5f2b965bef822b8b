"""Celery's share: the nightly run. A run that is lost or made twice changes nothing but the row that says so."""

import structlog
from celery import shared_task

from reconciliation.comparing import Difference
from reconciliation.running import reconcile_last_days

logger = structlog.get_logger(__name__)


@shared_task(name="reconciliation.reconcile")
def reconcile() -> int:
    """Compare the last days; each difference is an error in the log. Returns how many there are."""
    return reconcile_last_days(_log).differences


def _log(difference: Difference) -> None:
    for problem in difference.problems:
        logger.error("money differs", kind=str(problem.kind), about=difference.about, difference=problem.text)
