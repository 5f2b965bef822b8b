"""The log and its parked rows, for reading: the admin and tests. Written by record() and the relay alone.

The tables are made by 0001_log.sql.
"""

from django.db import models


class Heartbeat(models.Model):
    """One relay process: who runs, who leads. Written by outbox/heartbeat.py."""

    owner = models.TextField(primary_key=True)
    beat_at = models.DateTimeField()
    epoch = models.BigIntegerField(null=True)
    window_id = models.BigIntegerField(null=True)
    mode = models.TextField()
    problem = models.TextField()

    class Meta:
        managed = False
        db_table = "outbox_heartbeat"
        verbose_name = "relay"

    def __str__(self) -> str:
        return self.owner


class OutboxEvent(models.Model):
    """One row of the append-only log."""

    position = models.BigIntegerField(primary_key=True)
    transaction_id = models.TextField(editable=False)
    event_id = models.UUIDField()
    source = models.TextField()
    event_type = models.TextField()
    subject = models.TextField()
    aggregate_type = models.TextField()
    aggregate_id = models.TextField()
    topic = models.TextField()
    partition_key = models.TextField()
    data = models.TextField()
    headers = models.JSONField()
    occurred_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "outbox_event"
        ordering = ["-position"]

    def __str__(self) -> str:
        return f"{self.event_type} {self.event_id}"


class ParkedRow(models.Model):
    """A row that the relay passed over; it blocks its key until it is published by a redrive."""

    position = models.BigIntegerField(primary_key=True)
    topic = models.TextField()
    partition_key = models.TextField()
    generation = models.IntegerField()
    window_id = models.BigIntegerField()
    reason = models.TextField()
    problem = models.TextField()
    parked_at = models.DateTimeField()
    redrive_asked_at = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "outbox_parked"
        ordering = ["-position"]

    def __str__(self) -> str:
        return f"{self.reason} {self.position}"
