"""PaymentIntents go the way that Stripe documents, and the official client reads every answer."""

from typing import Any
from uuid import uuid4

import pytest
import stripe

from tests.gateway_process import GatewayProcess

EVERY_STATUS: dict[str, dict[str, Any]] = {
    "requires_payment_method": {"payment_method": None},
    "requires_confirmation": {},
    "requires_action": {"payment_method": "pm_card_authenticationRequired", "confirm": True},
    "processing": {"payment_method": "pm_usBankAccount_processing", "confirm": True},
    "requires_capture": {"capture_method": "manual", "confirm": True},
    "succeeded": {"confirm": True},
}


@pytest.fixture
def gateway(shared_gateway: GatewayProcess) -> GatewayProcess:
    return shared_gateway


def in_status(gateway: GatewayProcess, status: str) -> stripe.PaymentIntent:
    if status == "canceled":
        return gateway.client.v1.payment_intents.cancel(gateway.make().id)
    changes = EVERY_STATUS[status]
    if changes.get("payment_method", "") is None:
        made = gateway.client.v1.payment_intents.create(params={"amount": 1999, "currency": "usd"})
    else:
        made = gateway.make(**changes)
    assert made.status == status
    return made


@pytest.mark.parametrize("capture_method", ["automatic", "automatic_async"])
def test_an_intent_is_made_and_then_confirmed_and_the_money_is_taken(
    capture_method: str, gateway: GatewayProcess
) -> None:
    made = gateway.make(capture_method=capture_method)
    assert (made.status, made.amount_received, made.latest_charge) == ("requires_confirmation", 0, None)
    paid = gateway.client.v1.payment_intents.confirm(made.id)
    charge = gateway.client.v1.charges.retrieve(str(paid.latest_charge))
    assert (paid.status, paid.amount_received) == ("succeeded", 1999)
    assert (charge.captured, charge.amount_captured, charge.amount_refunded, charge.paid) == (True, 1999, 0, True)


def test_manual_capture_sets_aside_and_takes_all_later(gateway: GatewayProcess) -> None:
    held = gateway.make(capture_method="manual", confirm=True)
    charge = gateway.client.v1.charges.retrieve(str(held.latest_charge))
    assert (held.status, held.amount_capturable, held.amount_received) == ("requires_capture", 1999, 0)
    assert (charge.captured, charge.status) == (False, "succeeded")
    taken = gateway.client.v1.payment_intents.capture(held.id)
    assert (taken.status, taken.amount_capturable, taken.amount_received) == ("succeeded", 0, 1999)
    assert taken.latest_charge == held.latest_charge


def test_a_part_is_captured_and_the_rest_is_given_back(gateway: GatewayProcess) -> None:
    held = gateway.make(capture_method="manual", confirm=True)
    taken = gateway.client.v1.payment_intents.capture(held.id, {"amount_to_capture": 1500})
    charge = gateway.client.v1.charges.retrieve(str(taken.latest_charge))
    assert (taken.amount_received, charge.amount_captured, charge.amount_refunded) == (1500, 1500, 499)


@pytest.mark.parametrize("amount", [0, 2000])
def test_no_more_is_captured_than_was_set_aside_and_no_less_than_one_cent(amount: int, gateway: GatewayProcess) -> None:
    held = gateway.make(capture_method="manual", confirm=True)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        gateway.client.v1.payment_intents.capture(held.id, {"amount_to_capture": amount})
    assert caught.value.param == "amount_to_capture"
    assert gateway.client.v1.payment_intents.retrieve(held.id).status == "requires_capture"


def test_a_canceled_intent_gives_back_what_was_set_aside_and_is_over(gateway: GatewayProcess) -> None:
    held = gateway.make(capture_method="manual", confirm=True)
    over = gateway.client.v1.payment_intents.cancel(held.id, {"cancellation_reason": "abandoned"})
    charge = gateway.client.v1.charges.retrieve(str(held.latest_charge))
    assert (over.status, over.cancellation_reason, bool(over.canceled_at)) == ("canceled", "abandoned", True)
    assert (over.amount_capturable, charge.refunded, charge.amount_captured) == (0, True, 0)
    with pytest.raises(stripe.InvalidRequestError, match="status of canceled"):
        gateway.client.v1.payment_intents.capture(held.id)


@pytest.mark.parametrize(
    ("act", "allowed"),
    [
        ("confirm", {"requires_confirmation", "requires_action"}),
        ("capture", {"requires_capture"}),
        ("cancel", {*EVERY_STATUS} - {"succeeded"}),
    ],
)
@pytest.mark.parametrize("status", [*EVERY_STATUS, "canceled"])
def test_what_a_status_does_not_allow_is_refused_with_the_intent_as_it_is(
    act: str, allowed: set[str], status: str, gateway: GatewayProcess
) -> None:
    intent = in_status(gateway, status)
    perform = getattr(gateway.client.v1.payment_intents, act)
    if status in allowed:
        perform(intent.id)
        return
    with pytest.raises(stripe.InvalidRequestError) as caught:
        perform(intent.id)
    assert (caught.value.http_status, caught.value.code) == (400, "payment_intent_unexpected_state")
    assert gateway.client.v1.payment_intents.retrieve(intent.id).status == status


@pytest.mark.parametrize(
    ("method", "code", "decline_code"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
        ("pm_card_visa_chargeDeclinedVelocityLimitExceeded", "card_declined", "card_velocity_exceeded"),
        ("pm_card_radarBlock", "card_declined", "fraudulent"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", None),
    ],
)
def test_a_declined_card_leaves_a_failed_charge_and_an_intent_that_another_card_pays(
    method: str, code: str, decline_code: str | None, gateway: GatewayProcess
) -> None:
    made = gateway.make(payment_method=method)
    with pytest.raises(stripe.CardError) as caught:
        gateway.client.v1.payment_intents.confirm(made.id)
    error = caught.value.error
    assert error is not None
    assert (caught.value.http_status, error.code, error.to_dict().get("decline_code")) == (402, code, decline_code)
    refused = gateway.client.v1.payment_intents.retrieve(made.id)
    failed = gateway.client.v1.charges.retrieve(str(refused.latest_charge))
    assert (refused.status, refused.payment_method) == ("requires_payment_method", None)
    assert refused.last_payment_error is not None
    assert (refused.last_payment_error.code, failed.status, failed.failure_code) == (code, "failed", code)
    paid = gateway.client.v1.payment_intents.confirm(made.id, {"payment_method": "pm_card_mastercard"})
    assert (paid.status, paid.last_payment_error) == ("succeeded", None)
    assert [charge.status for charge in gateway.client.v1.charges.list({"payment_intent": made.id}).data] == [
        "succeeded", "failed",
    ]  # fmt: skip


@pytest.mark.parametrize("status", ["requires_action", "processing"])
@pytest.mark.parametrize(("outcome", "becomes"), [("succeeded", "succeeded"), ("failed", "requires_payment_method")])
def test_an_intent_that_waits_ends_as_it_is_told(
    status: str, outcome: str, becomes: str, gateway: GatewayProcess
) -> None:
    waiting = in_status(gateway, status)
    assert waiting.amount_received == 0
    answer = gateway.http.post(f"/_payment_intents/{waiting.id}", data={"outcome": outcome})
    assert (answer.status_code, answer.json()["status"]) == (200, becomes)
    assert gateway.client.v1.payment_intents.retrieve(waiting.id).status == becomes


def test_intents_are_listed_newest_first_and_the_client_turns_the_pages(gateway: GatewayProcess) -> None:
    made = [gateway.make().id for _ in range(5)]
    first = gateway.client.v1.payment_intents.list({"limit": 2})
    assert [intent.id for intent in first.data] == made[:2:-1]
    assert first.has_more
    turned = [intent.id for intent, _ in zip(first.auto_paging_iter(), made, strict=False)]
    assert turned == made[::-1]
    newer = gateway.client.v1.payment_intents.list({"limit": 2, "ending_before": made[1]})
    assert [intent.id for intent in newer.data] == [made[3], made[2]]
    old = gateway.client.v1.payment_intents.list({"created": {"lt": first.data[-1].created - 3600}})
    assert old.data == []


def test_a_search_finds_by_metadata_exactly_and_the_client_turns_the_pages(gateway: GatewayProcess) -> None:
    mine, other = f"it's {uuid4()}", str(uuid4())
    made = [gateway.make(metadata={"payment_id": mine}).id for _ in range(5)]
    gateway.make(metadata={"payment_id": other})
    gateway.make(metadata={"reference": mine})
    query = "metadata['payment_id']:'{}'".format(mine.replace("'", "\\'"))
    first = gateway.client.v1.payment_intents.search({"query": query, "limit": 2})
    assert [intent.id for intent in first.data] == made[:2:-1]
    assert [intent.id for intent in first.auto_paging_iter()] == made[::-1]


def test_all_clauses_of_a_search_must_hold(gateway: GatewayProcess) -> None:
    name = str(uuid4())
    small = gateway.make(metadata={"a": name}, amount=100)
    large = gateway.make(metadata={"a": name}, amount=200, confirm=True)

    def found(clause: str) -> list[str]:
        answer = gateway.client.v1.payment_intents.search({"query": f'metadata["a"]:"{name}" {clause}'})
        return [intent.id for intent in answer.data]

    assert found("") == [large.id, small.id]
    assert found("AND amount>100") == [large.id]
    assert found("AND status:'requires_confirmation'") == [small.id]
    assert found("amount<=100 AND currency:'usd' AND created>=1") == [small.id]
    assert found("AND currency:'eur'") == []


@pytest.mark.parametrize("query", ["", "metadata['a']", "amount:'x", "colour:'red'", "status:'x' OR status:'y'"])
def test_a_search_that_is_not_understood_is_refused(query: str, gateway: GatewayProcess) -> None:
    answer = gateway.http.get("/v1/payment_intents/search", params={"query": query})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "query")


def test_a_search_runs_behind_the_truth_by_the_lag_that_is_set(tmp_path_factory: pytest.TempPathFactory) -> None:
    late = GatewayProcess(tmp_path_factory.mktemp("late"), GATEWAY_SEARCH_LAG_SECONDS="3600")
    late.start()
    made = late.make(metadata={"payment_id": "p"})
    assert late.client.v1.payment_intents.search({"query": "metadata['payment_id']:'p'"}).data == []
    assert [intent.id for intent in late.client.v1.payment_intents.list().data] == [made.id]
    late.stop()


@pytest.mark.parametrize(
    ("changes", "parameter"),
    [
        ({"amount": ""}, "amount"),
        ({"amount": "100000000"}, "amount"),
        ({"amount": "1001", "currency": "kwd"}, "amount"),
        ({"capture_method": "never"}, "capture_method"),
        ({"confirm": "yes"}, "confirm"),
        ({"rain": "1"}, "rain"),
        ({"metadata[x]": "v" * 501}, "metadata[x]"),
    ],
)
def test_a_wrong_parameter_is_named(changes: dict[str, str], parameter: str, gateway: GatewayProcess) -> None:
    answer = gateway.pay(uuid4().hex, **changes)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, parameter)


@pytest.mark.parametrize("path", ["", "/confirm", "/capture", "/cancel"])
def test_an_intent_that_does_not_exist_is_missing(path: str, gateway: GatewayProcess) -> None:
    answer = gateway.http.request("POST" if path else "GET", f"/v1/payment_intents/pi_none{path}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "resource_missing")


@pytest.mark.parametrize(("amount", "currency"), [(50, "jpy"), (1010, "kwd"), (99_999_999, "usd")])
def test_every_kind_of_currency_is_paid(amount: int, currency: str, gateway: GatewayProcess) -> None:
    assert gateway.make(amount=amount, currency=currency, confirm=True).amount_received == amount
