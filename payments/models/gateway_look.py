"""Objects at the gateway that are to be looked at."""

from django.db import models
from django.db.models import F, Q


class GatewayLook(models.Model):
    """An object of the gateway that webhooks spoke of. What they say may be old: its newest state is asked for.

    Webhooks are counted: an object is due as long as it was told of more often than when it was last looked at.
    """

    class Kind(models.TextChoices):
        """As the gateway names them: https://docs.stripe.com/api/events/object, data.object.object."""

        PAYMENT_INTENT = "payment_intent"
        REFUND = "refund"
        DISPUTE = "dispute"

    object_id = models.TextField(primary_key=True)
    kind = models.TextField(choices=Kind)
    call_name = models.TextField(default="", blank=True, help_text="of the call that made it, as its metadata says")
    told = models.IntegerField(default=0, help_text="how often it was told of")
    looked = models.IntegerField(default=0, help_text="how often it had been told of when it was last looked at")
    attempts = models.IntegerField(default=0, help_text="looks that came to nothing since it was last told of")
    due_at = models.DateTimeField(help_text="from then on the sweeper may take it: nudge lost, next try")
    problem = models.TextField(default="", blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(looked__lte=F("told")), name="gateway_look_looked_within_told"),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(looked__lt=F("told")), name="gateway_look_due"),
        ]

    def __str__(self) -> str:
        return f"{self.object_id} told {self.told}, looked {self.looked}"
