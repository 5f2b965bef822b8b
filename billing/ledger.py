"""Booking: double entry, append-only. What the database itself refuses is in migrations/0002_ledger.sql."""

from typing import NamedTuple

from billing.models import Invoice, LedgerEntry

Account = LedgerEntry.Account


class Cause(NamedTuple):
    """The event that is booked; ids are unique within a source only."""

    source: str
    event_id: str


class Move(NamedTuple):
    """What enters one account and leaves another: debit and credit are two lines of the same amount."""

    debit: LedgerEntry.Account
    credit: LedgerEntry.Account


SALE = Move(Account.RECEIVABLE, Account.REVENUE)
RECEIPT = Move(Account.CASH, Account.RECEIVABLE)
LOSS = Move(Account.BAD_DEBT, Account.RECEIVABLE)
#: Sale and receipt the other way round.
CREDIT = Move(Account.REVENUE, Account.RECEIVABLE)
REPAYMENT = Move(Account.RECEIVABLE, Account.CASH)
#: Money that has to go back, and that it went.
LATE_RECEIPT = Move(Account.CASH, Account.REFUNDS_DUE)
LATE_REPAYMENT = Move(Account.REFUNDS_DUE, Account.CASH)


def lines(invoice: Invoice, cause: Cause, moves: tuple[Move, ...], *, amount: int) -> list[LedgerEntry]:
    """Return the lines, not saved, that book the moves of one amount (minor units); none for an amount of zero."""
    moved = [(account, sign * amount) for move in moves for account, sign in ((move.debit, 1), (move.credit, -1))]
    return [
        LedgerEntry(
            source=cause.source, event_id=cause.event_id, line=line, invoice=invoice, account=account, amount=each,
            currency=invoice.currency,
        )
        for line, (account, each) in enumerate(moved, 1) if each
    ]  # fmt: skip


def book(invoice: Invoice, cause: Cause, *moves: Move, amount: int | None = None) -> None:
    """Book the moves of one amount, by default the invoice's; a second booking of the cause is refused."""
    LedgerEntry.objects.bulk_create(lines(invoice, cause, moves, amount=invoice.amount if amount is None else amount))
