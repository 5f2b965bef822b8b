"""The comparison: all sides merged by the payments' ids, a page of each in memory."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import merge
from itertools import groupby
from typing import Any
from uuid import UUID

from django.utils import timezone

from payments.models import Payment
from reconciliation.journey import tell_arrival, tell_journey
from reconciliation.judging import Kind, Problem, judge
from reconciliation.sides import own
from reconciliation.sides.billing import Billing
from reconciliation.sides.gateway import Spool, find_charges
from reconciliation.story import Fact, Span, Story
from reconciliation.sums import Book

#: So many are looked at again and told with their journeys; the rest is counted.
MOST_TOLD = 1_000


@dataclass(frozen=True)
class Difference:
    """What does not agree, and the way of the payment that it is about."""

    problems: list[Problem]
    about: str = ""
    journey: tuple[str, ...] = ()


class Comparison:
    """One pass over the payments of a span. The counts are complete when `differences` has ended."""

    def __init__(self, span: Span, *, billing: Billing, spool: Spool, grace_seconds: float) -> None:
        self._span, self._billing, self._spool = span, billing, spool
        self._young = timezone.now() - timedelta(seconds=grace_seconds)
        self.book = Book()
        self.payments = self.on_their_way = self.count = 0

    def differences(self) -> Iterator[Difference]:
        """Yield what does not agree: payment by payment, then invoices that nobody charged, then sums.

        Raises SideUnreachableError.
        """
        self._spool.fill(self._span.first)
        for found in (self._payments(), self._unnamed(), self._unheard(), self._sums()):
            for difference in found:
                self.count += 1
                yield difference

    def _payments(self) -> Iterator[Difference]:
        for story in self._stories(self._span.ids, own.list_payments(self._span), self._spool.list_charges):
            self.payments += story.payment is not None
            problems = judge(story)
            if problems and self._is_young(story.changed_at):
                self.on_their_way += 1
                continue
            if problems and self.count < MOST_TOLD:
                # The sides were read one after the other, and money may have moved in between: look again.
                story = self._look_again(story)
                problems = judge(story)
            self.book.add(story)
            if problems:
                yield self._tell(story, problems)

    def _stories(
        self, ids: tuple[UUID, UUID], payments: Iterable[Fact], charges: Callable[[UUID, UUID], Iterable[Fact]]
    ) -> Iterator[Story]:
        sides = [payments, self._billing.list_invoices(*ids), self._billing.list_late_payments(*ids), charges(*ids)]
        for payment_id, facts in groupby(merge(*sides, key=_payment_id), key=_payment_id):
            story = Story(payment_id)
            for fact in facts:
                story.add(fact)
            yield story

    def _look_again(self, story: Story) -> Story:
        payment = own.find_payment(story.payment_id)
        intents = {charge.intent for charge in story.charges} | ({payment.intent} if payment else set())
        charges = [charge for charge in find_charges(intents - {""}) if charge.payment_id == story.payment_id]
        charges += [charge for charge in story.charges if not charge.intent]
        ids = (story.payment_id, UUID(int=story.payment_id.int + 1))
        return next(self._stories(ids, [payment] if payment else [], lambda *_: charges), Story(story.payment_id))

    def _tell(self, story: Story, problems: list[Problem]) -> Difference:
        is_told = self.count < MOST_TOLD
        journey = tuple(tell_journey(story, self._billing)) if is_told else ()
        return Difference(problems, f"payment {story.payment_id}", journey)

    def _unnamed(self) -> Iterator[Difference]:
        for charge in self._spool.list_unnamed(self._span):
            if not self._is_young(charge.changed_at):
                problem = Problem(Kind.UNKNOWN, "the gateway took it, and it names no payment of ours")
                yield Difference([problem], f"charge {charge.charge_id} of {charge.amount} {charge.currency}")

    def _unheard(self) -> Iterator[Difference]:
        """Open invoices of subscriptions for which payments has made no payment. The newest come first."""
        for invoice in self._billing.list_open_invoices():
            issued_at = datetime.fromisoformat(invoice["issued_at"])
            if issued_at < self._span.first:
                return
            if invoice["payment_id"] or issued_at >= self._span.end or _is_known(invoice):
                continue
            if self._is_young(issued_at):
                self.on_their_way += 1
            else:
                cycle = f"cycle {invoice['billing_cycle']!r} of {invoice['customer_id']!r}"
                problem = Problem(Kind.UNHEARD, f"open for {cycle}, and payments has no payment for it")
                yield Difference([problem], f"invoice {invoice['id']}", tuple(tell_arrival(invoice["id"])))

    def _sums(self) -> Iterator[Difference]:
        for problem in self.book.differences():
            yield Difference([problem])

    def _is_young(self, moment: datetime) -> bool:
        return moment > self._young


def _payment_id(fact: Any) -> UUID:
    found: UUID = fact.payment_id
    return found


def _is_known(invoice: dict[str, Any]) -> bool:
    cycle = {"customer_id": invoice["customer_id"], "billing_cycle": invoice["billing_cycle"]}
    return Payment.objects.filter(**cycle).exists()
