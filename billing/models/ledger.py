"""The double-entry ledger; billing/ledger.py books."""

from django.db import models
from django.db.models import Q

from billing.models.invoice import Invoice


class LedgerEntry(models.Model):
    """One line of a booking. The lines of an event add up to zero; debit is positive, credit negative."""

    class Account(models.TextChoices):
        CASH = "cash"
        RECEIVABLE = "receivable"
        REVENUE = "revenue"
        BAD_DEBT = "bad_debt", "bad debt"
        REFUNDS_DUE = "refunds_due", "refunds due"

    pk = models.CompositePrimaryKey("source", "event_id", "line")
    source = models.TextField(help_text="where the event is from: ids are unique within a source only")
    event_id = models.TextField(help_text="the event that caused the booking: it cannot be booked twice")
    line = models.SmallIntegerField()
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="ledger_entries")
    account = models.TextField(choices=Account)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    booked_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "ledger entries"
        constraints = [
            models.CheckConstraint(condition=~Q(amount=0), name="ledger_entry_moves_something"),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.amount} {self.currency}"
