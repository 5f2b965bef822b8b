"""Operations on customers, plans and subscriptions, each in the caller's transaction."""

from datetime import date
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from billing.events import SubscriptionSuspended
from billing.exceptions import PlanTakenError, SubscriptionNotFoundError, UnknownReferenceError
from billing.models import Customer, Invoice, Plan, Subscription
from billing.states import Happening, move
from outbox import record


def know_customer(customer_id: str) -> None:
    """Make the customer's row unless it is there: customers exist from their first purchase on."""
    Customer.objects.bulk_create([Customer(id=customer_id)], ignore_conflicts=True)


@transaction.atomic
def describe_customer(customer_id: str, *, name: str, email: str) -> Customer:
    """Make the customer, or replace what is known of one that exists."""
    customer, _ = Customer.objects.update_or_create(pk=customer_id, defaults={"name": name, "email": email})
    return customer


def create_plan(*, id: str, name: str, amount: int, currency: str) -> Plan:  # noqa: A002  (the API's word)
    """Make a plan; amount in minor units. Raises PlanTakenError."""
    try:
        with transaction.atomic():
            return Plan.objects.create(pk=id, name=name, amount=amount, currency=currency)
    except IntegrityError as error:
        raise PlanTakenError(f"there is a plan {id!r} already: choose another id for another price") from error


@transaction.atomic
def subscribe(*, customer_id: str, plan_id: str, payment_method: str, starts_on: date) -> Subscription:
    """Begin a subscription; its first cycle is invoiced by the next renewal from `starts_on` on.

    Raises UnknownReferenceError when there is no such customer or plan.
    """
    # The lock: two first subscriptions of a customer at the same moment would both go without a prefix.
    customer = Customer.objects.select_for_update().filter(pk=customer_id).first()
    plan = Plan.objects.filter(pk=plan_id).first()
    if customer is None or plan is None:
        what = f"plan {plan_id!r}" if customer else f"customer {customer_id!r}"
        raise UnknownReferenceError(f"there is no {what}: create it first")
    subscription = Subscription(
        customer=customer, plan=plan, payment_method=payment_method, anchor_on=starts_on, next_cycle_on=starts_on
    )
    if customer.subscriptions.exists():
        subscription.cycle_prefix = f"{subscription.id}/"
    subscription.save()
    return subscription


@transaction.atomic
def cancel_subscription(subscription_id: UUID) -> Subscription:
    """End it: no further cycle is invoiced; what was invoiced is still owed.

    Raises SubscriptionNotFoundError, and InvalidTransitionError when it is cancelled already.
    """
    subscription = _lock(subscription_id)
    move(subscription, Happening.CANCELLED)
    subscription.ended_at = timezone.now()
    subscription.save(update_fields=["state", "version", "ended_at"])
    return subscription


@transaction.atomic
def suspend_subscription(invoice: Invoice) -> None:
    """Stop renewing the invoice's subscription and tell the customer; nothing when it has none, or one that ended."""
    if invoice.subscription_id is None:
        return
    subscription = _lock(invoice.subscription_id)
    if subscription.state != Subscription.State.ACTIVE:
        return
    move(subscription, Happening.SUSPENDED)
    subscription.save(update_fields=["state", "version"])
    record(
        SubscriptionSuspended(
            subscription_id=subscription.id, customer_id=subscription.customer_id, invoice_id=invoice.id,
            version=subscription.version,
        )
    )  # fmt: skip


def _lock(subscription_id: UUID) -> Subscription:
    subscription = Subscription.objects.select_for_update().filter(pk=subscription_id).first()
    if subscription is None:
        raise SubscriptionNotFoundError(f"no subscription has the id {subscription_id}")
    return subscription
