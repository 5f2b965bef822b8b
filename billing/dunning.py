"""Dunning: an open invoice whose payment was declined is tried again on a schedule, and then given up.

Three attempts with the default schedule: the one at issue, and one a number in BILLING["DUNNING_DAYS"].
"""

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from billing.conf import billing_settings
from billing.events import InvoiceRetryDue, InvoiceWrittenOff
from billing.ledger import LOSS, Cause, book
from billing.locking import lock_invoice
from billing.models import DunningAttempt, Invoice
from billing.states import Happening, move
from billing.subscribing import suspend_subscription
from outbox import record, record_many

State = DunningAttempt.State
#: Attempts asked for in one transaction.
_AT_ONCE = 500


@transaction.atomic
def note_decline(invoice_id: UUID, *, payment_id: UUID, attempt: int, cause: Cause) -> None:
    """Plan the next attempt, or give the invoice up after the last one. An invoice that is closed stays as it is.

    An attempt that was planned already is not planned again. Raises InvoiceNotFoundError.
    """
    invoice = lock_invoice(invoice_id)
    if invoice.state != Invoice.State.OPEN:
        return
    invoice.payment_id = payment_id
    days = billing_settings().dunning_days
    if attempt > len(days):
        _give_up(invoice, payment_id, cause)
    else:
        due_at = timezone.now() + timedelta(days=days[attempt - 1])
        next_one = DunningAttempt(invoice=invoice, payment_id=payment_id, attempt=attempt + 1, due_at=due_at)
        DunningAttempt.objects.bulk_create([next_one], ignore_conflicts=True)
    invoice.save(update_fields=["payment_id", "state", "version"])


@transaction.atomic
def give_up(invoice_id: UUID, *, payment_id: UUID, cause: Cause) -> None:
    """Give an open invoice up whose payment was cancelled: payments makes no further attempt at it.

    Raises InvoiceNotFoundError.
    """
    invoice = lock_invoice(invoice_id)
    if invoice.state == Invoice.State.OPEN:
        invoice.payment_id = payment_id
        _give_up(invoice, payment_id, cause)
        invoice.save(update_fields=["payment_id", "state", "version"])


def ask_for_due_attempts() -> int:
    """Ask payments for every attempt that is due, each once; return how many."""
    total = 0
    while count := _ask_chunk():
        total += count
    return total


def drop_attempts(invoice: Invoice) -> None:
    """The locked invoice is closed: what waits is not asked for any more."""
    invoice.dunning_attempts.filter(state=State.WAITING).update(state=State.DROPPED, changed_at=timezone.now())


@transaction.atomic
def _ask_chunk() -> int:
    # Both rows are locked: the invoice, because its event is recorded, and the attempt, because it is looked at anew
    # after another sweep's commit only if it is locked too. Skipped: who has one of them leaves it due or closes it.
    due = DunningAttempt.objects.select_for_update(of=("self", "invoice"), skip_locked=True).select_related("invoice")
    attempts = list(due.filter(state=State.WAITING, due_at__lte=timezone.now()).order_by("due_at")[:_AT_ONCE])
    for attempt in attempts:
        attempt.state, attempt.changed_at = State.ASKED, timezone.now()
        move(attempt.invoice, Happening.DECLINED)
    DunningAttempt.objects.bulk_update(attempts, ["state", "changed_at"])
    Invoice.objects.bulk_update([attempt.invoice for attempt in attempts], ["state", "version"])
    record_many([_retry_due(attempt) for attempt in attempts])
    return len(attempts)


def _retry_due(attempt: DunningAttempt) -> InvoiceRetryDue:
    invoice = attempt.invoice
    return InvoiceRetryDue(
        invoice_id=invoice.id, payment_id=attempt.payment_id, attempt=attempt.attempt, amount=invoice.amount,
        currency=invoice.currency, payment_method=invoice.payment_method, version=invoice.version,
    )  # fmt: skip


def _give_up(invoice: Invoice, payment_id: UUID, cause: Cause) -> None:
    move(invoice, Happening.GIVEN_UP)
    drop_attempts(invoice)
    book(invoice, cause, LOSS)
    record(
        InvoiceWrittenOff(
            invoice_id=invoice.id, payment_id=payment_id, amount=invoice.amount, currency=invoice.currency,
            version=invoice.version,
        )
    )  # fmt: skip
    suspend_subscription(invoice)
