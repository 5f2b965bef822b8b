"""Disputes."""

from django.db import models

from payments.models.payment import Payment


class Dispute(models.Model):
    """A bank took a charge back; the gateway's webhooks tell how it goes on. won: by us."""

    class Status(models.TextChoices):
        OPENED = "opened"
        WON = "won"
        LOST = "lost"

    id = models.TextField(primary_key=True, help_text="the gateway's")
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="disputes")
    amount = models.BigIntegerField()
    reason = models.TextField()
    status = models.TextField(choices=Status)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.pk} {self.status}"
