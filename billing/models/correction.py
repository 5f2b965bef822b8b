"""What happens to money after it came: refunds, money nobody asked for, disputes."""

from django.db import models
from django.db.models import Q
from uuid_utils.compat import uuid7

from billing.models.invoice import Invoice


class CreditNote(models.Model):
    """What a refund takes back of an invoice. `amount` in minor units."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="credit_notes", db_index=False)
    refund_id = models.TextField()
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    reason = models.TextField(default="", blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["refund_id"], name="credit_note_once_per_refund"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="credit_note_credits_something"),
        ]
        indexes = [models.Index(fields=["invoice", "id"], name="credit_note_by_invoice")]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


class LatePayment(models.Model):
    """Money that came for an invoice which did not want it (any more): payments was asked to give it back."""

    payment_id = models.UUIDField(primary_key=True)
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="late_payments")
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    refunded = models.BigIntegerField(default=0)
    came_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


class Dispute(models.Model):
    """A customer's bank asks for the money of an invoice back. Noted, not booked."""

    id = models.TextField(primary_key=True, help_text="the gateway's")
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="disputes")
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    reason = models.TextField()
    status = models.TextField()
    version = models.IntegerField(help_text="the payment's, of the event that said so: an older one changes nothing")
    noted_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.id!r} {self.status!r}"
