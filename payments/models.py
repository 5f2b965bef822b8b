"""Payments, and the calls to the gateway that they need."""

from django.db import models
from django.db.models import Q
from uuid_utils.compat import uuid7


class Payment(models.Model):
    """One purchase to be paid. `amount` in minor units (cents); zero is a payment that needs no gateway."""

    class Status(models.TextChoices):
        INITIATED = "initiated"
        CAPTURED = "captured"
        DECLINED = "declined"

    class InvoiceState(models.TextChoices):
        NONE = "", "none yet"
        PAID = "paid"
        VOID = "void"

    id = models.UUIDField(primary_key=True, default=uuid7)
    customer_id = models.TextField()
    reference = models.TextField(help_text="the client's own name for the purchase")
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    payment_method = models.TextField()
    status = models.TextField(choices=Status, default=Status.INITIATED)
    decline_code = models.TextField(default="", blank=True)
    version = models.IntegerField(default=1, help_text="rises with every event of this payment")
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)
    invoice_id = models.UUIDField(null=True)
    invoice_state = models.TextField(choices=InvoiceState, default=InvoiceState.NONE, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gte=0), name="payment_amount_is_not_negative"),
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="payment_currency_is_iso_4217"),
            models.CheckConstraint(
                condition=Q(status="initiated", ended_at=None) | Q(~Q(status="initiated"), ended_at__isnull=False),
                name="payment_ended_at_goes_with_status",
            ),
            models.CheckConstraint(
                condition=~Q(status="declined") | ~Q(decline_code=""), name="payment_declined_says_why"
            ),
        ]
        indexes = [
            models.Index(fields=["customer_id", "id"], name="payment_by_customer"),
            models.Index(fields=["reference"], name="payment_by_reference"),
        ]

    def __str__(self) -> str:
        return f"{self.reference} {self.status}"


class GatewayCall(models.Model):
    """One attempt series at one outside effect, under one key that never changes.

    pending -> in_flight -> confirmed | refused, or unknown when no answer came; unknown is tried again under the key.
    """

    class State(models.TextChoices):
        PENDING = "pending"
        IN_FLIGHT = "in_flight"
        CONFIRMED = "confirmed"
        REFUSED = "refused"
        UNKNOWN = "unknown"

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="gateway_calls")
    step = models.TextField(default="capture")
    idempotency_key = models.TextField()
    state = models.TextField(choices=State, default=State.PENDING)
    attempts = models.IntegerField(default=0)
    due_at = models.DateTimeField(help_text="from then on the sweeper may take it: nudge lost, lease over, next try")
    swept_at = models.DateTimeField(null=True, help_text="when the sweeper last nudged for it")
    gateway_reference = models.TextField(default="", blank=True)
    problem = models.TextField(default="", blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["payment", "step"], name="gateway_call_once_per_step"),
            models.UniqueConstraint(fields=["idempotency_key"], name="gateway_call_key_is_unique"),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                name="gateway_call_due",
                condition=Q(state__in=["pending", "in_flight", "unknown"]),
            ),
            models.Index(fields=["state", "id"], name="gateway_call_by_state"),
        ]

    def __str__(self) -> str:
        return f"{self.idempotency_key} {self.state}"
