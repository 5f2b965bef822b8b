"""Sums by day and currency, each added up from one side's own rows while they pass."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from money import format_amount
from reconciliation.judging import Kind, Problem
from reconciliation.story import Story


@dataclass
class Sums:
    """Minor units of one day and currency. cash: what the ledger holds of it."""

    captured: int = 0
    invoiced: int = 0
    charged: int = 0
    given_back: int = 0
    credited: int = 0
    refunded_by_gateway: int = 0
    cash: int = 0

    @property
    def agree(self) -> bool:
        """Whether all sides say the same."""
        return (
            self.captured == self.invoiced == self.charged
            and self.given_back == self.credited == self.refunded_by_gateway
            and self.cash == self.captured - self.given_back
        )


class Book:
    """The sums of all stories: as many as days and currencies, whatever the number of payments."""

    def __init__(self) -> None:
        self._sums: dict[tuple[date, str], Sums] = defaultdict(Sums)

    def add(self, story: Story) -> None:
        """Add what each side says of the payment, under the currency that it names itself."""
        if payment := story.payment:
            own = self._sums[story.day, payment.currency]
            own.captured += payment.captured
            own.given_back += sum(amount for _, amount in payment.refunds)
        self._add_billing(story)
        for charge in story.charges:
            theirs = self._sums[story.day, charge.currency]
            theirs.charged += charge.amount
            theirs.refunded_by_gateway += sum(amount for _, amount in charge.refunds)

    def _add_billing(self, story: Story) -> None:
        if late := story.late:
            sums = self._sums[story.day, late.currency]
            sums.invoiced += late.amount
            sums.credited += late.refunded
            sums.cash += late.amount - late.refunded
        if invoice := story.invoice:
            sums = self._sums[story.day, invoice.currency]
            sums.cash += invoice.booked.get("cash", 0) - invoice.kept  # what is kept counts under the late payment
            if invoice.state == "paid":
                sums.invoiced += invoice.amount
                sums.credited += invoice.credited

    def differences(self) -> Iterator[Problem]:
        """Yield the days and currencies whose sums differ, the oldest first."""
        for (day, currency), sums in sorted(self._sums.items()):
            if not sums.agree:
                yield Problem(Kind.SUMS, f"{day} {currency}: {_told(sums, currency)}")

    def totals(self) -> str:
        """Return what payments took and gave back, by currency."""
        total: dict[str, Sums] = defaultdict(Sums)
        for (_, currency), sums in sorted(self._sums.items()):
            total[currency].captured += sums.captured
            total[currency].given_back += sums.given_back
        return "; ".join(
            f"{format_amount(each.captured, currency)} taken, {format_amount(each.given_back, currency)} given back"
            for currency, each in total.items()
        )  # fmt: skip


def _told(sums: Sums, currency: str) -> str:
    def money(amount: int) -> str:
        return format_amount(amount, currency)

    taken = f"captured {money(sums.captured)}, invoiced {money(sums.invoiced)}, charged {money(sums.charged)}"
    back = f"given back {money(sums.given_back)}, credited {money(sums.credited)}"
    return f"{taken}; {back}, by the gateway {money(sums.refunded_by_gateway)}; cash {money(sums.cash)}"
