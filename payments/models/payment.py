"""Payments."""

from uuid import UUID

from django.db import models
from django.db.models import F, Func, Q
from uuid_utils.compat import uuid7

_OPEN = ["initiated", "authorized"]


class Payment(models.Model):
    """One purchase or invoice to be paid. Amounts in minor units; zero is a payment that needs no gateway."""

    class Status(models.TextChoices):
        INITIATED = "initiated"
        AUTHORIZED = "authorized"
        CAPTURED = "captured"
        DECLINED = "declined"
        CANCELLED = "cancelled"
        REFUNDED = "refunded"

    class Capture(models.TextChoices):
        AUTOMATIC = "automatic"
        MANUAL = "manual"

    class DisputeStatus(models.TextChoices):
        """won: by us."""

        NONE = "", "none"
        OPENED = "opened"
        WON = "won"
        LOST = "lost"

    class InvoiceState(models.TextChoices):
        NONE = "", "none yet"
        PAID = "paid"
        VOID = "void"

    #: Not a column: the event that tells how the request ended, known to the operation that was just asked for it.
    outcome_id: UUID | None = None

    id = models.UUIDField(primary_key=True, default=uuid7, help_text="version 7: it holds the time of its making")
    customer_id = models.TextField()
    reference = models.TextField(help_text="the client's own name for the purchase")
    amount = models.BigIntegerField(help_text="asked for")
    currency = models.CharField(max_length=3)
    payment_method = models.TextField()
    capture = models.TextField(choices=Capture, default=Capture.AUTOMATIC)
    status = models.TextField(choices=Status, default=Status.INITIATED)
    captured = models.BigIntegerField(default=0, help_text="what was taken")
    refunds_asked = models.BigIntegerField(default=0, help_text="refunds that succeeded or may still succeed")
    refunded = models.BigIntegerField(default=0, help_text="refunds that succeeded")
    decline_code = models.TextField(default="", blank=True)
    dispute = models.TextField(
        choices=DisputeStatus, default=DisputeStatus.NONE, db_default="", blank=True, help_text="of its last dispute"
    )
    gateway_intent = models.TextField(default="", blank=True, help_text="the gateway's name for it")
    version = models.IntegerField(default=1, help_text="rises with every event of this payment")
    # Generated, so that a range of time and a range of ids are the same: payments/listing.py.
    created_at = models.GeneratedField(
        expression=Func(F("id"), function="uuid_extract_timestamp"),
        output_field=models.DateTimeField(),
        db_persist=True,
    )
    ended_at = models.DateTimeField(null=True)
    invoice_id = models.UUIDField(null=True)
    invoice_state = models.TextField(choices=InvoiceState, default=InvoiceState.NONE, blank=True)
    billing_cycle = models.TextField(default="", blank=True, help_text="of the invoice that asked for it")
    invoice_event_id = models.TextField(default="", blank=True, help_text="the event that asked for it")
    attempt = models.IntegerField(default=1, help_text="rises when an invoice asks again after a decline")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gte=0), name="payment_amount_is_not_negative"),
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="payment_currency_is_iso_4217"),
            models.CheckConstraint(
                condition=Q(status__in=_OPEN, ended_at=None) | (~Q(status__in=_OPEN) & Q(ended_at__isnull=False)),
                name="payment_ended_at_goes_with_status",
            ),
            models.CheckConstraint(
                condition=~Q(status="declined") | ~Q(decline_code=""), name="payment_declined_says_why"
            ),
            models.CheckConstraint(condition=Q(captured__lte=F("amount")), name="payment_captured_within_amount"),
            models.CheckConstraint(
                condition=Q(refunded__gte=0, refunded__lte=F("refunds_asked"), refunds_asked__lte=F("captured")),
                name="payment_refunds_within_captured",
            ),
            # The seed's rule for one charge a cycle, and the one that two events for a cycle cannot get around.
            models.UniqueConstraint(
                fields=["customer_id", "billing_cycle", "invoice_event_id"],
                condition=~Q(billing_cycle=""), name="payment_once_per_cycle_and_event",
            ),
            models.UniqueConstraint(
                fields=["customer_id", "billing_cycle"], condition=~Q(billing_cycle=""), name="payment_once_per_cycle"
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["customer_id", "id"], name="payment_by_customer"),
            models.Index(fields=["reference", "id"], name="payment_by_reference"),
            models.Index(fields=["status", "id"], name="payment_by_status"),
            models.Index(fields=["gateway_intent"], condition=~Q(gateway_intent=""), name="payment_by_intent"),
        ]

    def __str__(self) -> str:
        return f"{self.reference} {self.status}"
