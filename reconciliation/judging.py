"""Do the three sides agree about one payment? Nothing here reads or writes anything."""

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from money import format_amount
from payments.models import Payment
from reconciliation.story import InvoiceFact, LateFact, PaymentFact, Refunds, Story


class Kind(StrEnum):
    """What can differ; docs/operations.md says what each means."""

    UNKNOWN = "unknown"
    UNCHARGED = "uncharged"
    CHARGED = "charged"
    CHARGED_TWICE = "charged-twice"
    AMOUNT = "amount"
    UNINVOICED = "uninvoiced"
    UNPAID = "unpaid"
    PAID = "paid"
    BOOKED = "booked"
    REFUND = "refund"
    CREDIT = "credit"
    LATE = "late"
    OPEN = "open"
    UNHEARD = "unheard"
    SUMS = "sums"


class Problem(NamedTuple):
    """One thing that does not agree."""

    kind: Kind
    text: str


def judge(story: Story) -> list[Problem]:
    """Return what does not agree, whatever its age; empty: all sides say the same."""
    if story.payment is None:
        return list(_unknown(story))
    payment = story.payment
    found = [*_charged(payment, story), *_invoiced(payment, story), *_given_back(payment, story)]
    found += [Problem(Kind.OPEN, f"the gateway call {each}") for each in payment.waits]
    return found + list(_booked(story.invoice) if story.invoice else ())


def tell_lines(booked: dict[str, int], currency: str) -> str:
    """Return the sums by account for people; debit positive."""
    sums = [f"{account} {format_amount(amount, currency)}" for account, amount in sorted(booked.items())]
    return ", ".join(sums) or "nothing"


def _unknown(story: Story) -> Iterator[Problem]:
    for charge in story.charges:
        took = f"the gateway took {format_amount(charge.amount, charge.currency)} ({charge.charge_id})"
        yield Problem(Kind.UNKNOWN, f"{took} for a payment that payments does not know")
    for fact in (story.invoice, story.late):
        if fact:
            yield Problem(Kind.UNKNOWN, f"invoice {fact.invoice_id} names a payment that payments does not know")


def _charged(payment: PaymentFact, story: Story) -> Iterator[Problem]:
    """One charge for what was captured, and none for what was not: by the gateway's objects, each of which is money."""
    charges = story.charges
    names = ", ".join(f"{each.charge_id} of {format_amount(each.amount, each.currency)}" for each in charges)
    if not payment.captured and charges:
        yield Problem(Kind.CHARGED, f"the payment is {payment.status} over nothing, and the gateway took {names}")
    elif payment.captured and not charges:
        yield Problem(Kind.UNCHARGED, f"{_money(payment)} {payment.status}, and the gateway took nothing")
    elif len(charges) > 1:
        yield Problem(Kind.CHARGED_TWICE, f"{_money(payment)} {payment.status}, and the gateway took {names}")
    elif charges and (charges[0].amount, charges[0].currency) != (payment.captured, payment.currency):
        yield Problem(Kind.AMOUNT, f"{_money(payment)} {payment.status}, and the gateway took {names}")


def _invoiced(payment: PaymentFact, story: Story) -> Iterator[Problem]:
    """One invoice for what has ended: paid over what was captured; not paid when nothing was."""
    invoice, is_taken = story.invoice, payment.status in (Payment.Status.CAPTURED, Payment.Status.REFUNDED)
    if story.late:
        yield from _late(payment, story.late)
    elif invoice is None and payment.has_ended:
        yield Problem(Kind.UNINVOICED, f"{_money(payment)} {payment.status}, and billing has no invoice for it")
    elif invoice is None:
        return
    elif is_taken and invoice.state != "paid":
        yield Problem(Kind.UNPAID, f"{_money(payment)} {payment.status}, and {_named(invoice)} is {invoice.state}")
    elif not is_taken and invoice.state == "paid":
        yield Problem(Kind.PAID, f"the payment is {payment.status}, and {_named(invoice)} is paid")
    elif is_taken and (invoice.amount, invoice.currency) != (payment.captured, payment.currency):
        yield Problem(Kind.AMOUNT, f"{_money(payment)} {payment.status}, and {_named(invoice)}")
    elif payment.invoice_id not in (None, invoice.invoice_id):
        yield Problem(Kind.UNINVOICED, f"payments names invoice {payment.invoice_id}, billing {_named(invoice)}")


def _late(payment: PaymentFact, late: LateFact) -> Iterator[Problem]:
    if (late.amount, late.currency) != (payment.captured, payment.currency):
        took = f"{_money(payment)} {payment.status}"
        yield Problem(Kind.AMOUNT, f"{took}, and billing took {format_amount(late.amount, late.currency)} for late")
    elif late.refunded != late.amount and not payment.waits:
        back = format_amount(late.refunded, late.currency)
        yield Problem(Kind.LATE, f"{_money(payment)} came too late for {late.invoice_id}, and {back} went back")


def _given_back(payment: PaymentFact, story: Story) -> Iterator[Problem]:
    """The same refunds on each side, one by one."""
    ours = _list(payment.refunds, payment.currency)
    theirs = sorted(refund for charge in story.charges for refund in charge.refunds)
    if theirs != payment.refunds:
        yield Problem(Kind.REFUND, f"payments gave back {ours}, the gateway {_list(theirs, payment.currency)}")
    if late := story.late:
        is_same = late.refunded == sum(amount for _, amount in payment.refunds)
        noted = f"billing booked {format_amount(late.refunded, late.currency)} of a late payment"
    else:
        notes = story.invoice.refunds if story.invoice else []
        is_same, noted = notes == payment.refunds, f"credit notes say {_list(notes, payment.currency)}"
    if not is_same:
        yield Problem(Kind.CREDIT, f"payments gave back {ours}, {noted}")


def _booked(invoice: InvoiceFact) -> Iterator[Problem]:
    """One set of lines: what each account has of the invoice follows from its state, or is nothing."""
    expected = {account: amount for account, amount in _lines_of(invoice).items() if amount}
    booked = {account: amount for account, amount in invoice.booked.items() if amount}
    if booked != expected:
        found, wanted = tell_lines(booked, invoice.currency), tell_lines(expected, invoice.currency)
        yield Problem(Kind.BOOKED, f"{_named(invoice)} is booked as {found}; expected is {wanted}")


def _lines_of(invoice: InvoiceFact) -> dict[str, int]:
    """The sums by account that the table in docs/billing.md leads to; debit positive."""
    kept = {"cash": invoice.kept, "refunds_due": -invoice.kept}
    sold = invoice.amount - invoice.credited
    match invoice.state:
        case "paid":
            return kept | {"cash": sold + invoice.kept, "revenue": -sold}
        case "open":
            return kept | {"receivable": sold, "revenue": -sold}
        case "uncollectible":
            return kept | {"bad_debt": sold, "revenue": -sold}
        case _:
            return kept


def _money(payment: PaymentFact) -> str:
    return format_amount(payment.captured, payment.currency)


def _named(invoice: InvoiceFact) -> str:
    return f"invoice {invoice.invoice_id} of {format_amount(invoice.amount, invoice.currency)}"


def _list(refunds: Refunds, currency: str) -> str:
    return ", ".join(f"{format_amount(amount, currency)} ({name})" for name, amount in refunds) or "nothing"
