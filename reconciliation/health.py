"""Did it run, and did everything agree? For check_reconciliation."""

from datetime import timedelta

from django.utils import timezone

from reconciliation.conf import ReconciliationSettings
from reconciliation.models import Run
from watching.health import Verdict
from watching.text import age


def check_health(*, settings: ReconciliationSettings) -> Verdict:
    """Judge the newest run of the last days."""
    run = Run.objects.first()
    if run is None:
        return Verdict(False, "never: no reconciliation has ended yet; is payments' beat running, and its worker?")
    ago = timezone.now() - run.ended_at
    if ago > timedelta(hours=settings.late_hours):
        return Verdict(False, f"late: the last reconciliation ended {age(ago.total_seconds())} ago: {run}")
    if run.problem:
        return Verdict(False, f"failed: {run.problem}")
    if run.differences:
        return Verdict(False, f"differences: {run.summary}; manage.py reconcile lists them")
    return Verdict(True, run.summary)
