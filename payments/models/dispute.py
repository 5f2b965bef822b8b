"""Disputes."""

from django.db import models
from django.db.models import Q

from payments.models.payment import Payment

Status = Payment.DisputeStatus


class Dispute(models.Model):
    """A bank took a charge back; the gateway tells how it goes on. The ways between its states: payments/states.py."""

    id = models.TextField(primary_key=True, help_text="the gateway's")
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="disputes")
    amount = models.BigIntegerField()
    reason = models.TextField()
    status = models.TextField(choices=[each for each in Status.choices if each[0]])
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=[Status.OPENED, Status.WON, Status.LOST]), name="dispute_status_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.status}"
