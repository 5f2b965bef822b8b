"""Lists: newest first, a page at a time. Ids are UUIDs of version 7: their order is that of their making."""

from datetime import date, timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Count, Model, Q, QuerySet, Sum
from django.utils import timezone

from billing.models import Invoice, LatePayment, RevenueByDay

Row = TypeVar("Row", bound=Model)
OfPayment = TypeVar("OfPayment", Invoice, LatePayment)
_State = Invoice.State
_SUMS = ("payments", "captured", "refunds", "refunded")


def page_of(
    rows: QuerySet[Row], *, limit: int, cursor: UUID | None = None, **equal: Any
) -> tuple[list[Row], UUID | None]:
    """Return at most `limit` rows below the cursor, and the next cursor; None: that was all.

    equal: fields and the values they must have; None is any.
    """
    wanted = Q(**{name: value for name, value in equal.items() if value is not None})
    if cursor is not None:
        wanted &= Q(pk__lt=cursor)
    found = list(rows.filter(wanted).order_by("-pk")[: limit + 1])
    return found[:limit], found[limit - 1].pk if len(found) > limit else None


def page_by_payment(
    rows: QuerySet[OfPayment], *, limit: int, payment_from: UUID, payment_to: UUID, cursor: UUID | None = None
) -> tuple[list[OfPayment], UUID | None]:
    """Return at most `limit` rows above the cursor in the order of payment_id, and the next cursor; None: that was all.

    payment_from is included, payment_to is not. A reader of several lists meets a payment in all of them at once.
    """
    wanted = Q(payment_id__gte=payment_from, payment_id__lt=payment_to)
    if cursor is not None:
        wanted &= Q(payment_id__gt=cursor)
    found = list(rows.filter(wanted).order_by("payment_id")[: limit + 1])
    return found[:limit], found[limit - 1].payment_id if len(found) > limit else None


def standing_of(customer_id: str) -> list[dict[str, Any]]:
    """Return the sums of the customer's invoices, one dict a currency, in minor units."""
    counted = Invoice.objects.filter(customer_id=customer_id).exclude(state=_State.VOID).order_by("currency")
    sums = counted.values("currency").annotate(
        invoices=Count("pk"), invoiced=Sum("amount"), credited=Sum("credited"), paid=_sum(_State.PAID),
        owed=_sum(_State.OPEN), lost=_sum(_State.UNCOLLECTIBLE),
    )  # fmt: skip
    return [dict(each) for each in sums]


def revenue_of(*, since: date | None, until: date | None, currency: str | None) -> list[dict[str, Any]]:
    """Return money by UTC day and currency, oldest first, in minor units: with both days, by default of the last 31."""
    last = until or timezone.now().date()
    rows = RevenueByDay.objects.filter(day__range=(since or last - timedelta(days=30), last))
    rows = rows.filter(currency=currency) if currency else rows
    sums = rows.values("day", "currency").order_by("day", "currency")
    return [dict(each) for each in sums.annotate(**{name: Sum(name) for name in _SUMS})]


def _sum(state: Invoice.State) -> Sum:
    return Sum("amount", filter=Q(state=state), default=0)
