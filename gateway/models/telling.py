"""Events, and their deliveries to whoever listens."""

from django.db import models
from django.db.models import Q

from gateway.models.names import now


class Event(models.Model):
    """Something that happened to an intent; `body` is what is told of it, byte for byte."""

    id = models.TextField(primary_key=True)
    type = models.TextField()
    intent_id = models.TextField()
    body = models.BinaryField()
    created = models.BigIntegerField(default=now)

    class Meta:
        indexes = [models.Index(fields=["intent_id", "id"], name="event_by_intent")]

    def __str__(self) -> str:
        return f"{self.id} {self.type}"


class Delivery(models.Model):
    """One telling of an event, repeated until it is answered. is_held: it waits for a later event of its intent."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DELIVERED = "delivered"
        GIVEN_UP = "given_up"

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="deliveries")
    state = models.TextField(choices=State, default=State.WAITING)
    due_at = models.FloatField()
    is_held = models.BooleanField()
    attempts = models.IntegerField(default=0)
    problem = models.TextField(default="")

    class Meta:
        indexes = [models.Index(fields=["due_at", "id"], name="delivery_due", condition=Q(state="waiting"))]

    def __str__(self) -> str:
        return f"{self.event_id} {self.state}"
