"""What each side says of one payment. Amounts in minor units; currencies in capitals."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import NamedTuple
from uuid import UUID

from payments.listing import first_id
from payments.models import Payment

#: Refunds of one side: our refund's id (or the gateway's name of one that is not ours) and its amount, sorted.
Refunds = list[tuple[str, int]]


class Span(NamedTuple):
    """The time in which payments were made: `first` is included, `end` is not."""

    first: datetime
    end: datetime

    @property
    def ids(self) -> tuple[UUID, UUID]:
        """The ids of the payments that were made then: from the first one on, below the second one."""
        return first_id(self.first), first_id(self.end)


@dataclass(frozen=True, kw_only=True)
class PaymentFact:
    """Payments' side. captured: 0 unless the money was taken. waits: gateway calls without a settled answer."""

    payment_id: UUID
    status: str
    captured: int
    currency: str
    invoice_id: UUID | None
    intent: str
    refunds: Refunds
    waits: list[str]
    changed_at: datetime

    @property
    def has_ended(self) -> bool:
        """Whether billing was told of it."""
        return self.status not in (Payment.Status.INITIATED, Payment.Status.AUTHORIZED)


@dataclass(frozen=True, kw_only=True)
class InvoiceFact:
    """Billing's side. booked: sums by account; kept: of late payments, what did not go back."""

    payment_id: UUID
    invoice_id: UUID
    state: str
    amount: int
    credited: int
    currency: str
    booked: dict[str, int]
    refunds: Refunds
    kept: int


@dataclass(frozen=True, kw_only=True)
class LateFact:
    """Billing's side of money that came for a closed invoice and has to go back."""

    payment_id: UUID
    invoice_id: UUID
    amount: int
    refunded: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class ChargeFact:
    """The gateway's side: a charge whose money was taken. payment_id None: it names no payment."""

    payment_id: UUID | None
    charge_id: str
    intent: str
    amount: int
    currency: str
    refunds: Refunds
    changed_at: datetime


Fact = PaymentFact | InvoiceFact | LateFact | ChargeFact


@dataclass
class Story:
    """All that is known of one payment. More than one charge is what this is about; billing's rows are unique."""

    payment_id: UUID
    payment: PaymentFact | None = None
    invoice: InvoiceFact | None = None
    late: LateFact | None = None
    charges: list[ChargeFact] = field(default_factory=list)

    def add(self, fact: Fact) -> None:
        """Take in what one side says."""
        match fact:
            case PaymentFact():
                self.payment = fact
            case InvoiceFact():
                self.invoice = fact
            case LateFact():
                self.late = fact
            case ChargeFact():
                self.charges.append(fact)

    @property
    def made_at(self) -> datetime:
        """When the payment was made, by its id (RFC 9562, section 5.7)."""
        return datetime.fromtimestamp((self.payment_id.int >> 80) / 1000, UTC)

    @property
    def day(self) -> date:
        """The day, in UTC, under which all sides' sums of it are counted."""
        return self.made_at.date()

    @property
    def changed_at(self) -> datetime:
        """When money last moved, as far as payments and the gateway know."""
        known = [self.made_at, *(charge.changed_at for charge in self.charges)]
        return max(known if self.payment is None else [*known, self.payment.changed_at])
