"""Projections: read models that billing/projections/ keeps, and `rebuild_projection` makes anew from the topics.

Their rows follow from the events alone, keys included: no clock, no sequence; so a rebuild ends with the same ones.
"""

from django.db import models


class Statement(models.Model):
    """One line of a customer's statement: money that a payment took, or gave back (a negative amount).

    id: of the event, in the order of its time: see billing/projections/movement.py.
    """

    class Kind(models.TextChoices):
        PAYMENT = "payment"
        REFUND = "refund"

    id = models.UUIDField(primary_key=True)
    customer_id = models.TextField()
    happened_at = models.DateTimeField(help_text="the event's time; 1970-01-01 when it has none that can be read")
    kind = models.TextField(choices=Kind)
    payment_id = models.UUIDField()
    reference = models.TextField()
    amount = models.BigIntegerField(help_text="in minor units")
    currency = models.CharField(max_length=3)
    source = models.TextField()
    event_id = models.TextField()

    class Meta:
        ordering = ["-id"]
        verbose_name = "statement line"
        indexes = [models.Index(fields=["customer_id", "id"], name="statement_by_customer")]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount} {self.currency}"


class RevenueByDay(models.Model):
    """What payments took and gave back on a UTC day of the events' time, in one currency.

    One row a partition of payments' topic: consumers of two partitions would else wait for each other at each event.
    The sums are numeric: one absurd amount must not make all later ones of its day overflow.
    """

    id = models.TextField(primary_key=True, db_collation="C", help_text="day/currency/partition")
    day = models.DateField()
    currency = models.CharField(max_length=3)
    partition = models.SmallIntegerField(help_text="of the payment's key, on a topic of six")
    payments = models.BigIntegerField()
    captured = models.DecimalField(max_digits=38, decimal_places=0, help_text="in minor units")
    refunds = models.BigIntegerField()
    refunded = models.DecimalField(max_digits=38, decimal_places=0, help_text="in minor units")

    class Meta:
        ordering = ["-id"]
        verbose_name = "revenue of a day"
        verbose_name_plural = "revenue by day"
        indexes = [models.Index(fields=["day", "currency"], name="revenue_by_day")]

    def __str__(self) -> str:
        return self.id


class Rebuild(models.Model):
    """The last rebuild of a projection. Without one its first version has fed it since there are events."""

    projection = models.TextField(primary_key=True)
    version = models.IntegerField(help_text="of the code that built it")
    rebuilt_at = models.DateTimeField(auto_now=True)
    rows = models.BigIntegerField()
    digest = models.TextField(help_text="of all rows, as they were then")
    difference = models.TextField(blank=True, help_text="what the live table had otherwise; empty: nothing")

    class Meta:
        ordering = ["projection"]

    def __str__(self) -> str:
        return f"{self.projection} version {self.version}"
