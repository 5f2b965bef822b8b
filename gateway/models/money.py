"""Intents, the charges that they became, and the ways back: refunds and disputes."""

from django.db import models
from django.db.models import F, Q

from gateway.models.names import now


class Intent(models.Model):
    """One PaymentIntent. `amount` in minor units, `currency` in lower case."""

    class Status(models.TextChoices):
        """https://docs.stripe.com/payments/paymentintents/lifecycle"""

        REQUIRES_PAYMENT_METHOD = "requires_payment_method"
        REQUIRES_CONFIRMATION = "requires_confirmation"
        REQUIRES_ACTION = "requires_action"
        PROCESSING = "processing"
        REQUIRES_CAPTURE = "requires_capture"
        CANCELED = "canceled"
        SUCCEEDED = "succeeded"

    id = models.TextField(primary_key=True)
    status = models.TextField(choices=Status)
    amount = models.IntegerField()
    currency = models.TextField()
    capture_method = models.TextField()
    payment_method = models.TextField(null=True)  # noqa: DJ001  (null on the wire too)
    description = models.TextField(null=True)  # noqa: DJ001
    metadata = models.JSONField()
    last_payment_error = models.JSONField(null=True)
    latest_charge_id = models.TextField(null=True)  # noqa: DJ001
    amount_received = models.IntegerField(default=0)
    canceled_at = models.BigIntegerField(null=True)
    cancellation_reason = models.TextField(null=True)  # noqa: DJ001
    created = models.BigIntegerField(default=now)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="intent_amount_is_positive"),
            models.CheckConstraint(
                condition=Q(status="canceled", canceled_at__isnull=False) | ~Q(status="canceled") & Q(canceled_at=None),
                name="intent_canceled_at_goes_with_status",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.status}"


class Charge(models.Model):
    """One attempt at the money of an intent, and what became of it.

    amount: set aside or taken; of it `amount_captured` was taken, `amount_released` was given back without having been
    taken (a part that was not captured, a canceled authorization), `amount_refunded` was given back after it.
    """

    class Status(models.TextChoices):
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    id = models.TextField(primary_key=True)
    intent = models.ForeignKey(Intent, on_delete=models.PROTECT, related_name="charges")
    status = models.TextField(choices=Status)
    amount = models.IntegerField()
    amount_captured = models.IntegerField(default=0)
    amount_released = models.IntegerField(default=0)
    amount_refunded = models.IntegerField(default=0)
    is_disputed = models.BooleanField(default=False)
    payment_method = models.TextField()
    failure_code = models.TextField(null=True)  # noqa: DJ001
    failure_message = models.TextField(null=True)  # noqa: DJ001
    idempotency_key = models.TextField(help_text="of the request that made it; empty: it had none")
    created = models.BigIntegerField(default=now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["intent"], condition=Q(status="succeeded"), name="charge_succeeds_once_per_intent"
            ),
            models.CheckConstraint(
                condition=Q(amount__gte=F("amount_captured") + F("amount_released")),
                name="charge_captures_no_more_than_was_set_aside",
            ),
            models.CheckConstraint(
                condition=Q(amount_captured__gte=F("amount_refunded")), name="charge_refunds_no_more_than_was_captured"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.status}"


class Refund(models.Model):
    """Money that goes back after it was captured; the sum of a charge's is never above what was captured."""

    class Status(models.TextChoices):
        PENDING = "pending"
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    id = models.TextField(primary_key=True)
    charge = models.ForeignKey(Charge, on_delete=models.PROTECT, related_name="refunds")
    status = models.TextField(choices=Status)
    amount = models.IntegerField()
    reason = models.TextField(null=True)  # noqa: DJ001
    metadata = models.JSONField()
    idempotency_key = models.TextField(help_text="of the request that made it; empty: it had none")
    created = models.BigIntegerField(default=now)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(amount__gt=0), name="refund_amount_is_positive")]

    def __str__(self) -> str:
        return f"{self.id} {self.status}"


class Dispute(models.Model):
    """A bank takes a charge back; `amount` is what was left of it then."""

    class Status(models.TextChoices):
        NEEDS_RESPONSE = "needs_response"
        WON = "won"
        LOST = "lost"

    id = models.TextField(primary_key=True)
    charge = models.OneToOneField(Charge, on_delete=models.PROTECT, related_name="dispute")
    status = models.TextField(choices=Status, default=Status.NEEDS_RESPONSE)
    amount = models.IntegerField()
    reason = models.TextField()
    created = models.BigIntegerField(default=now)

    def __str__(self) -> str:
        return f"{self.id} {self.status}"
