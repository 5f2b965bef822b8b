"""Refunds."""

from django.db import models
from django.db.models import Q
from uuid_utils.compat import uuid7

from payments.models.payment import Payment


class Refund(models.Model):
    """One part of a payment that is given back; its gateway call has the step "refund:<id>"."""

    class Status(models.TextChoices):
        PENDING = "pending"
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid7)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    amount = models.BigIntegerField()
    reason = models.TextField(default="", blank=True)
    status = models.TextField(choices=Status, default=Status.PENDING)
    asked_by = models.TextField(default="", blank=True, help_text="what asked for it and may ask once; empty: the API")
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="refund_amount_is_positive"),
            models.UniqueConstraint(
                fields=["payment", "asked_by"], condition=~Q(asked_by=""), name="refund_once_per_asker"
            ),
        ]

    def __str__(self) -> str:
        return f"refund {self.pk} {self.status}"
