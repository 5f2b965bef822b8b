"""Calls to the gateway."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from uuid_utils.compat import uuid7

from payments.models.payment import Payment
from payments.models.refund import Refund


class GatewayCall(models.Model):
    """One attempt series at one outside effect, under one key that never changes by itself.

    pending -> in_flight -> confirmed | refused, or unknown when no answer came; unknown is tried again under the key.
    After the key's life, when the gateway does not know of it, it is held: a person decides.
    """

    class Kind(models.TextChoices):
        CHARGE = "charge"
        AUTHORIZE = "authorize"
        CAPTURE = "capture"
        CANCEL = "cancel"
        REFUND = "refund"

    class State(models.TextChoices):
        PENDING = "pending"
        IN_FLIGHT = "in_flight"
        CONFIRMED = "confirmed"
        REFUSED = "refused"
        UNKNOWN = "unknown"
        HELD = "held"

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="gateway_calls")
    refund = models.OneToOneField(Refund, on_delete=models.PROTECT, null=True, related_name="gateway_call")
    kind = models.TextField(choices=Kind, default=Kind.CHARGE)
    step = models.TextField(default="capture")
    amount = models.BigIntegerField(help_text="in minor units of the payment's currency")
    idempotency_key = models.TextField()
    earlier_keys = ArrayField(models.TextField(), default=list, blank=True, help_text="given up, each for a reason")
    state = models.TextField(choices=State, default=State.PENDING)
    attempts = models.IntegerField(default=0)
    due_at = models.DateTimeField(help_text="from then on the sweeper may take it: nudge lost, lease over, next try")
    swept_at = models.DateTimeField(null=True, help_text="when the sweeper last nudged for it")
    key_used_at = models.DateTimeField(null=True, help_text="when the key was first sent: its life begins")
    event_id = models.UUIDField(default=uuid7, help_text="the event that tells how it ended will have it")
    gateway_reference = models.TextField(default="", blank=True)
    problem = models.TextField(default="", blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["payment", "step"], name="gateway_call_once_per_step"),
            models.UniqueConstraint(fields=["idempotency_key"], name="gateway_call_key_is_unique"),
            models.CheckConstraint(
                condition=Q(kind="refund", refund__isnull=False) | (~Q(kind="refund") & Q(refund=None)),
                name="gateway_call_refund_goes_with_kind",
            ),
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
