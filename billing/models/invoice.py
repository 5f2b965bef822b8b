"""Invoices, and the attempts to collect them."""

from django.db import models
from django.db.models import F, Q
from uuid_utils.compat import uuid7

from billing.models.subscription import Subscription


class Invoice(models.Model):
    """What a customer owes or owed: for one payment, or for one cycle of a subscription. `amount` in minor units."""

    class State(models.TextChoices):
        OPEN = "open"
        PAID = "paid"
        VOID = "void"
        UNCOLLECTIBLE = "uncollectible"

    id = models.UUIDField(primary_key=True, default=uuid7)
    payment_id = models.UUIDField(null=True, help_text="of a subscription's invoice: known from the first attempt on")
    customer_id = models.TextField()
    subscription = models.ForeignKey(
        Subscription, null=True, on_delete=models.PROTECT, related_name="invoices", db_index=False
    )
    billing_cycle = models.TextField(
        default="", db_default="", blank=True, help_text="unique to the customer; empty for a payment's invoice"
    )
    reference = models.TextField()
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    payment_method = models.TextField(default="", db_default="", blank=True)
    state = models.TextField(choices=State)
    credited = models.BigIntegerField(default=0, db_default=0, help_text="the sum of its credit notes")
    version = models.IntegerField(default=1, help_text="rises with every event of this invoice")
    issued_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["payment_id"], name="invoice_once_per_payment"),
            models.UniqueConstraint(
                fields=["customer_id", "billing_cycle"], name="invoice_once_per_cycle", condition=~Q(billing_cycle="")
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="invoice_amount_is_not_negative"),
            models.CheckConstraint(
                condition=Q(credited__gte=0, credited__lte=F("amount")), name="invoice_credited_is_at_most_its_amount"
            ),
            models.CheckConstraint(
                condition=~Q(state="paid") | Q(payment_id__isnull=False), name="invoice_paid_names_its_payment"
            ),
        ]
        indexes = [
            models.Index(fields=["customer_id", "id"], name="invoice_by_customer"),
            models.Index(fields=["reference"], name="invoice_by_reference"),
            models.Index(fields=["state", "id"], name="invoice_by_state"),
            models.Index(
                fields=["subscription", "id"], name="invoice_by_subscription", condition=Q(subscription__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reference!r} {self.state}"  # repr: the reference is foreign and may hold characters that hide


class DunningAttempt(models.Model):
    """The next attempt at an invoice's payment, at its time. The first one, at issue, has no row."""

    class State(models.TextChoices):
        WAITING = "waiting"
        ASKED = "asked", "asked for: payments was told to try"
        DROPPED = "dropped", "dropped: the invoice was closed before its time"

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="dunning_attempts", db_index=False)
    payment_id = models.UUIDField(help_text="the payment that was declined before")
    attempt = models.SmallIntegerField()
    state = models.TextField(choices=State, default=State.WAITING)
    due_at = models.DateTimeField()
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["invoice", "attempt"], name="dunning_attempt_once")]
        indexes = [models.Index(fields=["due_at"], name="dunning_attempt_due", condition=Q(state="waiting"))]

    def __str__(self) -> str:
        return f"attempt {self.attempt} {self.state}"
