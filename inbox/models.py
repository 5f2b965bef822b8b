"""The inbox's tables. The unique constraints are the guarantee; the code only asks what they answered."""

from django.db import models

from inbox.horizon import WELL_FORMED


class InboxEvent(models.Model):
    """An event that was received: applied, or parked (then it also has a ParkedEvent)."""

    consumer = models.TextField()
    source = models.TextField()
    event_id = models.TextField()
    event_type = models.TextField()
    partition_key = models.TextField()
    sequence = models.TextField()
    topic = models.TextField()
    partition = models.IntegerField()
    offset = models.BigIntegerField()
    digest = models.BinaryField(help_text="SHA-256 of the data: the same id with another digest is quarantined")
    data = models.TextField()
    headers = models.TextField(
        help_text="JSON, see inbox/stored_headers.py; as text, since jsonb costs twice its receipt"
    )
    received_at = models.DateTimeField()

    class Meta:
        constraints = [
            # The id first: a search by it needs no index of its own, and comparing begins where ids differ.
            models.UniqueConstraint(fields=["event_id", "source", "consumer"], name="inbox_event_once_per_consumer"),
        ]
        indexes = [
            models.Index(fields=["partition_key", "id"], name="inbox_event_by_key"),
        ]

    def __str__(self) -> str:
        return f"{self.event_type!r} {self.event_id!r}"  # repr: both are foreign and may hold characters that hide


class InboxOffset(models.Model):
    """The next offset of a partition, moved in the transaction of the effects. Kafka's own commits are decoration."""

    consumer = models.TextField()
    topic = models.TextField()
    partition = models.IntegerField()
    next_offset = models.BigIntegerField()
    furthest_offset = models.BigIntegerField(
        default=0,
        db_default=0,
        help_text="the greatest next offset so far: a consumer that was sent back had been there",
    )
    topic_id = models.TextField(
        blank=True, help_text="Kafka's, of the topic that the offset belongs to; empty: unknown"
    )
    partition_count = models.IntegerField(default=0, help_text="of the topic when it was first read; 0: unknown")
    stopped_at = models.DateTimeField(null=True)
    problem = models.TextField(blank=True, help_text="why nothing is read of it until a person moves the offset")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["consumer", "topic", "partition"], name="inbox_offset_once_per_partition"),
            models.CheckConstraint(condition=models.Q(next_offset__gte=0), name="inbox_offset_is_not_negative"),
            models.CheckConstraint(
                condition=models.Q(stopped_at=None, problem="")
                | (models.Q(stopped_at__isnull=False) & ~models.Q(problem="")),
                name="inbox_offset_stopped_has_problem",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.consumer} {self.topic}/{self.partition} next {self.next_offset}"


class InboxHorizon(models.Model):
    """The span of ce_sequence in which ids of a type were pruned: an unknown id in it was received before.

    A type, because one that had no handler then was ignored and has no ids. A lower end, because a consumer that
    started in the middle may be sent back to the beginning; and the offset that it must have passed again before more
    is pruned. docs/proofs.md has the proof.
    """

    consumer = models.TextField()
    source = models.TextField()
    topic = models.TextField()
    partition = models.IntegerField()
    event_type = models.TextField()
    lowest = models.TextField(db_collation="C")
    highest = models.TextField(db_collation="C")
    offset = models.BigIntegerField(help_text="the greatest one of what was pruned")

    class Meta:
        db_table = "inbox_horizon"
        constraints = [
            models.UniqueConstraint(
                fields=["consumer", "source", "topic", "partition", "event_type"], name="inbox_horizon_once_per_type"
            ),
            models.CheckConstraint(
                condition=models.Q(lowest__regex=WELL_FORMED, highest__regex=WELL_FORMED),
                name="inbox_horizon_is_a_sequence",
            ),
            models.CheckConstraint(condition=models.Q(lowest__lte=models.F("highest")), name="inbox_horizon_is_a_span"),
        ]

    def __str__(self) -> str:
        return f"{self.consumer} {self.topic}/{self.partition} {self.event_type!r} {self.lowest} to {self.highest}"


class ParkedEvent(models.Model):
    """An event that needs a person, or one that waits behind such an event of its key."""

    class Reason(models.TextChoices):
        FAILED = "failed", "the handler failed"
        QUEUED = "queued", "waits behind a parked event of its key"
        UNREADABLE = "unreadable", "not a CloudEvents record"
        QUARANTINED = "quarantined", "a known id with other content"

    class Resolution(models.TextChoices):
        APPLIED = "applied", "a redrive applied it"
        DUPLICATE = "duplicate", "its id had taken effect meanwhile"
        DISCARDED = "discarded", "a person gave it up"

    consumer = models.TextField()
    source = models.TextField(help_text="empty for an unreadable record")
    event_id = models.TextField(help_text="topic/partition/offset for an unreadable record")
    reason = models.TextField(choices=Reason)
    problem = models.TextField()
    topic = models.TextField()
    partition = models.IntegerField()
    offset = models.BigIntegerField()
    partition_key = models.TextField()
    key = models.BinaryField(null=True)
    value = models.BinaryField(null=True)
    digest = models.BinaryField(help_text="SHA-256 of the value: every other content under one id is put away")
    headers = models.JSONField(help_text="name and value of each record header: see inbox/stored_headers.py")
    parked_at = models.DateTimeField()
    attempts = models.IntegerField(default=0, help_text="how often its handler was tried; 0 if it only waits")
    fingerprint = models.TextField(blank=True, help_text="the same for events that fail alike; empty if it only waits")
    resolved_at = models.DateTimeField(null=True)
    resolution = models.TextField(choices=Resolution, blank=True)
    resolved_by = models.TextField(blank=True)
    discard_reason = models.TextField(blank=True)

    class Meta:
        db_table = "inbox_parked"
        constraints = [
            models.UniqueConstraint(
                fields=["consumer", "source", "event_id", "digest"], name="inbox_parked_once_per_content"
            ),
            models.CheckConstraint(
                condition=models.Q(resolved_at=None, resolution="")
                | (models.Q(resolved_at__isnull=False) & ~models.Q(resolution="")),
                name="inbox_parked_resolved_has_resolution",
            ),
            models.CheckConstraint(
                condition=~models.Q(resolution="discarded") | ~(models.Q(discard_reason="") | models.Q(resolved_by="")),
                name="inbox_parked_discarded_has_reason_and_person",
            ),
        ]
        indexes = [
            models.Index(
                fields=["consumer", "topic", "partition", "partition_key", "offset"],
                name="inbox_parked_blocked_keys",
                condition=models.Q(resolved_at=None, reason__in=["failed", "queued"]),
            ),
            models.Index(
                fields=["consumer", "parked_at"],
                name="inbox_parked_waiting",
                condition=models.Q(resolved_at=None),
            ),
            models.Index(fields=["event_id"], name="inbox_parked_by_event"),
            models.Index(fields=["fingerprint", "id"], name="inbox_parked_by_fingerprint"),
            models.Index(fields=["partition_key", "id"], name="inbox_parked_by_key"),
            models.Index(
                fields=["resolved_at"], name="inbox_parked_unreadable", condition=models.Q(reason="unreadable")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reason} {self.event_id!r}"


class Heartbeat(models.Model):
    """One consumer process: who runs, what it reads, what is wrong. Written by inbox/heartbeat.py."""

    owner = models.TextField(primary_key=True)
    consumer = models.TextField()
    beat_at = models.DateTimeField()
    unassigned_at = models.DateTimeField(null=True, help_text="since when it has no partition; null: it has one")
    turned_at = models.DateTimeField(help_text="when it last had nothing in hand: long ago means a stuck handler")
    session = models.IntegerField(null=True, help_text="PostgreSQL's process id of the connection that handlers use")
    partitions = models.JSONField(help_text="topic/partition and how many records wait there; null: not known yet")
    in_hand = models.TextField(help_text="the batch that is being received; empty when none is")
    lag_seconds = models.FloatField()
    problem = models.TextField()

    class Meta:
        db_table = "inbox_heartbeat"
        verbose_name = "consumer"

    def __str__(self) -> str:
        return self.owner
