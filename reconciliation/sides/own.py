"""Payments' own side, from its database."""

from collections.abc import Iterator
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from payments.models import GatewayCall, Payment, Refund
from reconciliation.story import PaymentFact, Span

_PAGE = 500
_SETTLED = (GatewayCall.State.CONFIRMED, GatewayCall.State.REFUSED)


def list_payments(span: Span) -> Iterator[PaymentFact]:
    """Yield every payment of the span, by id. Each page is a statement of its own: no snapshot is kept open."""
    first, end = span.ids
    while page := list(_payments().filter(id__gte=first, id__lt=end).order_by("id")[:_PAGE]):
        yield from map(_fact, page)
        first = UUID(int=page[-1].id.int + 1)


def find_payment(payment_id: UUID) -> PaymentFact | None:
    """Return the payment as it is now."""
    found = _payments().filter(pk=payment_id).first()
    return _fact(found) if found else None


def _payments() -> QuerySet[Payment]:
    waits = GatewayCall.objects.exclude(state__in=_SETTLED)
    return Payment.objects.prefetch_related("refunds", Prefetch("gateway_calls", waits, to_attr="open_calls"))


def _fact(payment: Payment) -> PaymentFact:
    calls: list[GatewayCall] = payment.open_calls  # type: ignore[attr-defined]
    refunds = list(payment.refunds.all())
    changes = [payment.created_at, payment.ended_at, *(call.created_at for call in calls)]
    changes += [refund.ended_at or refund.created_at for refund in refunds]
    return PaymentFact(
        payment_id=payment.id, status=payment.status, captured=payment.captured, currency=payment.currency,
        invoice_id=payment.invoice_id, intent=payment.gateway_intent,
        refunds=sorted((str(each.id), each.amount) for each in refunds if each.status == Refund.Status.SUCCEEDED),
        waits=[f"{call.step} is {call.state} since {call.created_at:%Y-%m-%d %H:%M:%S}" for call in calls],
        changed_at=max(change for change in changes if change is not None),
    )  # fmt: skip
