"""Customers, plans, and the subscriptions that are renewed month by month."""

from django.db import models
from django.db.models import Q
from uuid_utils.compat import uuid7


class Customer(models.Model):
    """Somebody who buys, under the id that the clients of payments use. Made by the API or at the first purchase."""

    id = models.TextField(primary_key=True)
    name = models.TextField(default="", blank=True)
    email = models.TextField(default="", blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.CheckConstraint(condition=~Q(id=""), name="customer_has_an_id")]

    def __str__(self) -> str:
        return repr(self.id)  # repr: the id is foreign and may hold characters that hide


class Plan(models.Model):
    """What a month costs. `amount` in minor units (cents). Never changed: a new price is a new plan."""

    id = models.SlugField(primary_key=True, max_length=100)
    name = models.TextField()
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gte=0), name="plan_amount_is_not_negative"),
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="plan_currency_is_iso_4217"),
        ]

    def __str__(self) -> str:
        return self.id


class Subscription(models.Model):
    """A plan that a customer pays monthly, in advance.

    Cycle n begins n months after `anchor_on`, on its day of the month or the month's last day: Jan 31, Feb 28, Mar 31.
    """

    class State(models.TextChoices):
        ACTIVE = "active"
        SUSPENDED = "suspended", "suspended: an invoice could not be collected"
        CANCELLED = "cancelled"

    id = models.UUIDField(primary_key=True, default=uuid7)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="subscriptions", db_index=False)
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, db_index=False)
    payment_method = models.TextField()
    state = models.TextField(choices=State, default=State.ACTIVE)
    anchor_on = models.DateField(help_text="the first day of the first cycle")
    cycles = models.IntegerField(default=0, help_text="how many were invoiced")
    next_cycle_on = models.DateField(help_text="the first day of the next cycle to be invoiced")
    cycle_prefix = models.TextField(
        default="", blank=True, help_text="before the day in billing_cycle: the id of all but a customer's first one"
    )
    version = models.IntegerField(default=1, help_text="rises with every change of state")
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            # Without a prefix two subscriptions of a customer would meet in one billing cycle: one would never be paid.
            models.UniqueConstraint(
                fields=["customer"], name="subscription_first_of_customer", condition=Q(cycle_prefix="")
            ),
            models.CheckConstraint(
                condition=Q(state="cancelled", ended_at__isnull=False) | (~Q(state="cancelled") & Q(ended_at=None)),
                name="subscription_ended_at_goes_with_state",
            ),
        ]
        indexes = [
            models.Index(fields=["next_cycle_on", "id"], name="subscription_due", condition=Q(state="active")),
            models.Index(fields=["customer", "id"], name="subscription_by_customer"),
        ]

    def __str__(self) -> str:
        return f"{self.plan_id} {self.state}"
