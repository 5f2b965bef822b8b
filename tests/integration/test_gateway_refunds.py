"""Refunds give back what was captured, in as many parts as one likes, and never more."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from tests.gateway_process import GatewayProcess


@pytest.fixture
def gateway(shared_gateway: GatewayProcess) -> GatewayProcess:
    return shared_gateway


def charge_of(gateway: GatewayProcess, intent: stripe.PaymentIntent) -> stripe.Charge:
    return gateway.client.v1.charges.retrieve(str(intent.latest_charge))


@pytest.mark.parametrize("by", ["payment_intent", "charge"])
def test_without_an_amount_all_is_given_back(by: str, gateway: GatewayProcess) -> None:
    paid = gateway.make(confirm=True)
    name = paid.id if by == "payment_intent" else str(paid.latest_charge)
    params: stripe.params.RefundCreateParams = {"reason": "requested_by_customer", "metadata": {"refund_id": "r"}}
    made = gateway.client.v1.refunds.create(params | {by: name})  # type: ignore[arg-type]
    assert (made.status, made.amount, made.currency) == ("succeeded", 1999, "usd")
    assert (made.payment_intent, made.charge, made.reason) == (paid.id, paid.latest_charge, "requested_by_customer")
    assert gateway.client.v1.refunds.retrieve(made.id) == made
    charge = charge_of(gateway, paid)
    assert (charge.refunded, charge.amount_refunded) == (True, 1999)


def test_parts_add_up_and_the_last_takes_what_is_left(gateway: GatewayProcess) -> None:
    paid = gateway.make(confirm=True)
    for amount in (1000, 500):
        gateway.client.v1.refunds.create({"payment_intent": paid.id, "amount": amount})
    charge = charge_of(gateway, paid)
    assert (charge.refunded, charge.amount_refunded) == (False, 1500)
    assert gateway.client.v1.refunds.create({"payment_intent": paid.id}).amount == 499
    assert charge_of(gateway, paid).refunded


def test_no_more_is_given_back_than_is_left(gateway: GatewayProcess) -> None:
    held = gateway.make(capture_method="manual", confirm=True)
    paid = gateway.client.v1.payment_intents.capture(held.id, {"amount_to_capture": 1500})
    gateway.client.v1.refunds.create({"payment_intent": paid.id, "amount": 1000})
    with pytest.raises(stripe.InvalidRequestError, match=r"greater than unrefunded amount on charge \(500\)") as caught:
        gateway.client.v1.refunds.create({"payment_intent": paid.id, "amount": 501})
    assert caught.value.param == "amount"
    assert charge_of(gateway, paid).amount_refunded == 499 + 1000, "released when captured, and refunded"


def test_a_charge_is_given_back_once(gateway: GatewayProcess) -> None:
    paid = gateway.make(confirm=True)
    gateway.client.v1.refunds.create({"payment_intent": paid.id})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        gateway.client.v1.refunds.create({"payment_intent": paid.id})
    assert caught.value.code == "charge_already_refunded"


def test_refunds_at_the_same_moment_never_exceed_the_charge(gateway: GatewayProcess) -> None:
    paid = gateway.make(confirm=True)
    together = threading.Barrier(6)

    def give_back(number: int) -> int:
        together.wait()
        form = {"payment_intent": paid.id, "amount": "500"}
        return gateway.http.post(
            "/v1/refunds", data=form, headers={"Idempotency-Key": f"{paid.id}-{number}"}
        ).status_code

    with ThreadPoolExecutor(6) as hands:
        statuses = sorted(hands.map(give_back, range(6)))
    assert statuses == [200, 200, 200, 400, 400, 400]
    assert charge_of(gateway, paid).amount_refunded == 1500


def test_a_repeat_under_the_key_gives_back_once(gateway: GatewayProcess) -> None:
    paid = gateway.make(confirm=True)
    options = gateway.options(f"{paid.id}:refund", "timeout_after_commit")
    with pytest.raises(stripe.APIConnectionError):
        gateway.client.v1.refunds.create({"payment_intent": paid.id, "amount": 500}, options)
    again = gateway.client.v1.refunds.create({"payment_intent": paid.id, "amount": 500}, options)
    found = gateway.client.v1.refunds.list({"payment_intent": paid.id})
    assert [refund.id for refund in found.data] == [again.id]


@pytest.mark.parametrize("confirm", [False, True])
def test_what_was_not_captured_is_not_given_back(confirm: bool, gateway: GatewayProcess) -> None:
    intent = gateway.make(capture_method="manual", confirm=confirm)
    with pytest.raises(stripe.InvalidRequestError):
        gateway.client.v1.refunds.create({"payment_intent": intent.id})
    assert gateway.client.v1.refunds.list({"payment_intent": intent.id}).data == []


@pytest.mark.parametrize(("outcome", "refunded"), [("succeeded", 1999), ("failed", 0)])
def test_a_pending_refund_ends_as_the_bank_says(outcome: str, refunded: int, gateway: GatewayProcess) -> None:
    paid = gateway.make(payment_method="pm_card_pendingRefund", confirm=True)
    pending = gateway.client.v1.refunds.create({"payment_intent": paid.id})
    assert (pending.status, charge_of(gateway, paid).amount_refunded) == ("pending", 1999)
    assert gateway.http.post(f"/_refunds/{pending.id}", data={"outcome": outcome}).json()["status"] == outcome
    assert gateway.client.v1.refunds.retrieve(pending.id).status == outcome
    assert charge_of(gateway, paid).amount_refunded == refunded
    assert gateway.http.post(f"/_refunds/{pending.id}", data={"outcome": "failed"}).status_code == (
        200 if outcome == "succeeded" else 400
    ), "a refund may fail late, and fails once"


@pytest.mark.parametrize(
    ("form", "named"),
    [
        ({}, "payment_intent or charge"),
        ({"payment_intent": "a", "charge": "b"}, "payment_intent or charge"),
        ({"payment_intent": "pi_none"}, "No such payment_intent"),
        ({"charge": "ch_none"}, "No such charge"),
        ({"charge": "ch_none", "amount": "0"}, "integer"),
        ({"charge": "ch_none", "amount": "-1"}, "integer"),
    ],
)
def test_a_wrong_refund_is_refused_with_its_reason(form: dict[str, str], named: str, gateway: GatewayProcess) -> None:
    answer = gateway.http.post("/v1/refunds", data=form)
    assert answer.status_code in (400, 404)
    assert named in answer.json()["error"]["message"]


def test_a_wrong_reason_is_refused(gateway: GatewayProcess) -> None:
    paid = gateway.make(confirm=True)
    answer = gateway.http.post("/v1/refunds", data={"payment_intent": paid.id, "reason": "mood"})
    assert answer.json()["error"]["param"] == "reason"


def test_captures_and_refunds_are_in_the_totals(gateway: GatewayProcess) -> None:
    before = gateway.totals()
    paid = gateway.make(confirm=True, currency="gbp")
    gateway.client.v1.refunds.create({"payment_intent": paid.id, "amount": 500})
    after = gateway.totals()
    assert after["amounts"]["gbp"] - before["amounts"].get("gbp", 0) == 1999
    assert after["refunded"]["gbp"] - before["refunded"].get("gbp", 0) == 500
