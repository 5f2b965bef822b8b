"""One reconciliation, from the question to the row that says how it ended."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta

import structlog
from django.utils import timezone

from reconciliation.comparing import Comparison, Difference
from reconciliation.conf import reconciliation_settings
from reconciliation.exceptions import ReconciliationError
from reconciliation.models import Run
from reconciliation.sides.billing import Billing
from reconciliation.sides.gateway import open_spool
from reconciliation.story import Span

logger = structlog.get_logger(__name__)


def last_days() -> Span:
    """The span that beat compares: the last days, whole ones in UTC, until now."""
    now = timezone.now()
    first = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=reconciliation_settings().days)
    return Span(first, now)


@contextmanager
def comparison(span: Span, *, grace_seconds: float | None = None) -> Iterator[Comparison]:
    """Give a comparison of the payments of a span, not begun; by default with the grace of the settings."""
    settings = reconciliation_settings()
    grace = settings.grace_seconds if grace_seconds is None else grace_seconds
    with closing(Billing(settings)) as billing, open_spool() as spool:
        yield Comparison(span, billing=billing, spool=spool, grace_seconds=grace)


def reconcile_last_days(tell: Callable[[Difference], None]) -> Run:
    """Compare, tell each difference, and write down how it ended, whatever it was. Raises ReconciliationError."""
    started_at, span = timezone.now(), last_days()
    with comparison(span) as compared:
        try:
            for difference in compared.differences():
                tell(difference)
        except ReconciliationError as error:
            _write(started_at, span, compared, problem=str(error))
            raise
    return _write(started_at, span, compared)


def summarise(span: Span, compared: Comparison) -> str:
    """Return the last line of a run's output."""
    between = f"{span.first:%Y-%m-%d} to {span.end:%Y-%m-%d %H:%M} UTC"
    verdict = f"{compared.count:,} differences" if compared.count else "payments, billing and the gateway agree"
    money = compared.book.totals() or "no money"
    return f"{between}: {compared.payments:,} payments, {compared.on_their_way:,} on their way, {money}: {verdict}"


def _write(started_at: datetime, span: Span, compared: Comparison, *, problem: str = "") -> Run:
    run = Run.objects.create(
        started_at=started_at, first_moment=span.first, payments=compared.payments,
        on_their_way=compared.on_their_way, differences=compared.count, summary=summarise(span, compared),
        problem=problem,
    )  # fmt: skip
    logger.log(40 if problem or run.differences else 20, "reconciled", differences=run.differences, problem=problem)
    return run
