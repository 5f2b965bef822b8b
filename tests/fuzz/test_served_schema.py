"""schemathesis against the served document of both services: real processes, a real database, whatever can be sent.

Of every answer it checks that it is no 500, that the document names its status, type, headers and form, that what
the document allows is accepted and what it does not is refused; hooks.py adds that every refusal is problem details.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from inbox.testing import deliver, make_event
from payments.operations import authorize_payment
from payments.refunding import request_refund
from tests.fuzz.fuzzing import Known, fuzz
from tests.purchases import capture, initiate
from tests.subscriptions import make_subscription, payment_event, renewed_invoice
from tests.web_process import WebProcess

pytestmark = pytest.mark.usefixtures("log")
SHORT = ["--phases", "coverage"]
THOROUGH = ["--phases", "examples,coverage,fuzzing,stateful", "--max-examples", "150"]


def payments() -> Known:
    """One waits, one is set aside, one is captured, one is given back in part."""
    waiting, aside, taken, given_back = initiate(1), initiate(2), capture(3), capture(4)
    authorize_payment(aside.pk, intent_id="pi_1")
    request_refund(given_back.pk, amount=1, reason="r")
    return {"payment_id": [str(each.pk) for each in (waiting, aside, taken, given_back)]}


def billing() -> Known:
    """Two subscriptions, an open invoice and one that is paid and credited in part."""
    first, second, is_open, is_paid = make_subscription(), make_subscription(), renewed_invoice(), renewed_invoice()
    paid = payment_event("captured", is_paid)
    data = json.loads(paid.data) | {"refund_id": "re_1", "amount": 1, "refunded": 1, "reason": "r", "version": 3}
    for event in (paid, make_event("payments.payment.refunded.v1", data, key=data["payment_id"])):
        deliver(event, consumer="billing")
    return {
        "subscription_id": [str(first.pk), str(second.pk)], "invoice_id": [str(is_open.pk), str(is_paid.pk)],
        "customer_id": ["c-1", is_paid.customer_id], "plan_id": [first.plan_id],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("make", "options"),
    [
        pytest.param(make, options, id=f"{make.__name__} {name}", marks=marks)
        for make in (payments, billing)
        for name, options, marks in (("in short", SHORT, []), ("thoroughly", THOROUGH, [pytest.mark.fuzz]))
    ],
)
def test_whatever_is_sent_is_answered_as_the_served_document_says(
    make: Callable[[], Known], options: list[str], tmp_path: Path
) -> None:
    known = make()
    with WebProcess(make.__name__, tmp_path) as web:
        fuzz(web, known, *options)
