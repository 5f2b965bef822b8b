"""Money at every operation that takes some: minor units that fit the currency, and zero's own way."""

from typing import Any

import pytest
from pytest_django.fixtures import Settings

from billing.models import Invoice, LedgerEntry
from billing.renewing import renew_subscriptions
from inbox.testing import drain_inbox
from outbox.testing import MemoryPublisher, drain_outbox
from payments.models import GatewayCall, Payment, Refund
from payments.operations import authorize_payment, capture_payment, initiate_payment
from tests.api_client import post
from tests.faults.renewal_points import JANUARY_31
from tests.subscriptions import make_subscription

pytestmark = pytest.mark.usefixtures("log")
PURCHASE = {"customer_id": "c-1", "reference": "order 1"}


def set_aside(amount: int, currency: str) -> Payment:
    payment = initiate_payment(
        **PURCHASE, amount=amount, currency=currency, payment_method="pm_card_visa", capture="manual"
    )
    return authorize_payment(payment.pk, intent_id="pi_1")


def take(amount: int, currency: str) -> Payment:
    return capture_payment(set_aside(amount, currency).pk, charge_id="ch_1")


@pytest.mark.parametrize(
    ("amount", "currency", "status"),
    [
        (1999, "JPY", 201),
        (19.99, "JPY", 422),
        (1990, "KWD", 201),
        (1999, "KWD", 422),
        (19.99, "EUR", 422),
        (99_999_999, "USD", 201),
        (100_000_000, "USD", 422),
        (1, "XXX", 422),
        (1, "XAU", 422),
        (-1, "USD", 422),
    ],
)
def test_a_payment_and_a_plan_take_what_fits_the_currency(
    amount: float, currency: str, status: int, settings: Settings
) -> None:
    assert post("/payments", PURCHASE | {"amount": amount, "currency": currency}).status_code == status
    settings.ROOT_URLCONF = "services.urls.billing"
    plan = {"id": "p", "name": "P", "amount": amount, "currency": currency}
    assert post("/plans", plan).status_code == status


@pytest.mark.parametrize(("way", "make"), [("capture", set_aside), ("refund", take)], ids=["capture", "refund"])
@pytest.mark.parametrize(
    ("whole", "part", "currency", "status"),
    [
        (1990, 10, "KWD", 202),
        (1990, 5, "KWD", 422),
        (1990, 1985, "KWD", 422),
        (1999, 1, "JPY", 202),
        (1999, 0.5, "JPY", 422),
        (1999, 0, "USD", 422),
        (1999, -1, "USD", 422),
        (1999, 2000, "USD", 409),
    ],
)
def test_a_part_fits_the_currency_too(way: str, make: Any, whole: int, part: float, currency: str, status: int) -> None:
    answer = post(f"/payments/{make(whole, currency).pk}/{way}", {"amount": part})
    assert answer.status_code == status, answer.content
    if status != 202:
        assert answer["Content-Type"] == "application/problem+json"
        assert not GatewayCall.objects.filter(kind=way).exists()
        assert not Refund.objects.exists()


@pytest.mark.parametrize("currency", ["USD", "JPY", "KWD"])
@pytest.mark.parametrize("capture", ["automatic", "manual"])
def test_a_free_purchase_is_captured_at_once_and_nothing_of_it_can_go_back(currency: str, capture: str) -> None:
    made = post("/payments", PURCHASE | {"amount": 0, "currency": currency, "capture": capture}).json()
    assert (made["status"], GatewayCall.objects.exists()) == ("captured", False)
    assert post(f"/payments/{made['id']}/refund").status_code == 409


def test_a_free_cycle_is_invoiced_charged_without_the_gateway_and_paid_without_a_booking() -> None:
    make_subscription(amount=0)
    renew_subscriptions(JANUARY_31)
    broker = MemoryPublisher(topics={"payments.payment": 6, "billing.invoice": 6})
    for service in ("payments", "billing", "payments"):
        drain_outbox(broker)
        drain_inbox(broker.log, consumer=service)
    invoice, payment = Invoice.objects.get(), Payment.objects.get()
    assert (invoice.state, payment.status, payment.invoice_state) == ("paid", "captured", "paid")
    assert not GatewayCall.objects.exists()
    assert not LedgerEntry.objects.exists()
