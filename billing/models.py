"""Invoices and the double-entry ledger."""

from django.db import models
from django.db.models import Q
from uuid_utils.compat import uuid7


class Invoice(models.Model):
    """One invoice a payment. `amount` in minor units (cents)."""

    class State(models.TextChoices):
        PAID = "paid"
        VOID = "void"

    id = models.UUIDField(primary_key=True, default=uuid7)
    payment_id = models.UUIDField()
    customer_id = models.TextField()
    reference = models.TextField()
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    state = models.TextField(choices=State)
    version = models.IntegerField(default=2, help_text="rises with every event of this invoice: issued, then settled")
    issued_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["payment_id"], name="invoice_once_per_payment"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="invoice_amount_is_not_negative"),
        ]
        indexes = [
            models.Index(fields=["customer_id", "id"], name="invoice_by_customer"),
            models.Index(fields=["reference"], name="invoice_by_reference"),
        ]

    def __str__(self) -> str:
        return f"{self.reference!r} {self.state}"  # repr: the reference is foreign and may hold characters that hide


class LedgerEntry(models.Model):
    """One line of a booking. The lines of an event add up to zero; debit is positive, credit negative."""

    class Account(models.TextChoices):
        CASH = "cash"
        RECEIVABLE = "receivable"
        REVENUE = "revenue"

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
