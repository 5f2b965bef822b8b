"""Customers with subscriptions, and what renewals made of them."""

from collections import Counter
from datetime import date
from uuid import UUID, uuid4

from django.db import connection

from billing.models import Customer, Invoice, Plan, Subscription
from billing.renewing import renew_subscriptions
from billing.subscribing import subscribe
from inbox.testing import make_event
from outbox.envelope import Envelope
from outbox.models import OutboxEvent
from tests.faults.renewal_points import JANUARY_31

#: As many active subscriptions, each of a customer of its own, that begin on the day.
MANY = """
INSERT INTO billing_plan (id, name, amount, currency, created_at) VALUES ('basic', 'Basic', 990, 'USD', now());
INSERT INTO billing_customer (id, name, email, created_at)
SELECT 'customer-' || n, '', '', now() FROM generate_series(1, %(count)s) AS n;
INSERT INTO billing_subscription (id, customer_id, plan_id, payment_method, state, anchor_on, cycles, next_cycle_on,
                                  cycle_prefix, version, created_at)
SELECT gen_random_uuid(), id, 'basic', 'pm_card_visa', 'active', %(day)s, 0, %(day)s, '', 1, now() FROM billing_customer
"""


def make_subscription(customer: str = "c-1", *, starts_on: date = JANUARY_31, amount: int = 990) -> Subscription:
    """One subscription to a plan of this price."""
    Customer.objects.get_or_create(pk=customer)
    plan, _ = Plan.objects.get_or_create(pk=f"plan-{amount}", name="Basic", amount=amount, currency="USD")
    return subscribe(customer_id=customer, plan_id=plan.pk, payment_method="pm_card_visa", starts_on=starts_on)


def make_many(count: int, *, starts_on: date = JANUARY_31) -> None:
    """So many subscriptions, by SQL."""
    with connection.cursor() as cursor:
        cursor.execute(MANY, {"count": count, "day": starts_on})


def renewed_invoice(amount: int = 990) -> Invoice:
    """The open invoice of one subscription's first cycle."""
    subscription = make_subscription(f"customer-{uuid4()}", amount=amount)
    renew_subscriptions(JANUARY_31)
    return Invoice.objects.get(subscription=subscription)


def payment_event(happened: str, invoice: Invoice, *, payment_id: UUID | None = None, **changes: object) -> Envelope:
    """What payments says about a payment that the invoice asked for."""
    payment = payment_id or invoice.payment_id or uuid4()
    data = {
        "payment_id": payment, "customer_id": invoice.customer_id, "reference": invoice.reference,
        "amount": invoice.amount, "currency": invoice.currency, "invoice_id": invoice.pk, "version": 2,
    }  # fmt: skip
    return make_event(f"payments.payment.{happened}.v1", data | changes, key=str(payment))


def announced(event_type: str) -> Counter[str]:
    """How often an event of the type was recorded, by aggregate."""
    return Counter(OutboxEvent.objects.filter(event_type=event_type).values_list("aggregate_id", flat=True))
