"""The gateway says nothing that the official client does not know: members, statuses, event types, parameters."""

import json
from typing import Any, Literal, get_args, get_origin

import pytest
import stripe
import stripe.params

from gateway import intent_forms
from tests.gateway_process import GatewayProcess


@pytest.fixture(scope="module")
def said(shared_gateway: GatewayProcess) -> dict[str, list[dict[str, Any]]]:
    """Every object that was told of a day with everything in it, by its kind."""
    client = shared_gateway.client.v1
    for method in ("pm_card_visa_chargeDeclined", "pm_card_authenticationRequired", "pm_usBankAccount_processing"):
        shared_gateway.pay(method, payment_method=method)
    client.payment_intents.cancel(shared_gateway.make(capture_method="manual", confirm=True).id)
    paid = shared_gateway.make(confirm=True, payment_method="pm_card_pendingRefund", metadata={"a": "b"})
    refund = client.refunds.create({"payment_intent": paid.id, "amount": 500})
    shared_gateway.http.post(f"/_refunds/{refund.id}", data={"outcome": "failed"}).raise_for_status()
    client.disputes.close(shared_gateway.http.post("/_disputes", data={"charge": paid.latest_charge}).json()["id"])
    events = shared_gateway.http.get("/v1/events?limit=100").json()["data"]
    charges = shared_gateway.http.get("/v1/charges?limit=100").json()["data"]
    objects = [*events, *charges, *(event["data"]["object"] for event in events)]
    return {kind: [each for each in objects if each["object"] == kind] for kind in {each["object"] for each in objects}}


CLASSES: dict[str, Any] = {
    "payment_intent": stripe.PaymentIntent, "charge": stripe.Charge, "refund": stripe.Refund,
    "dispute": stripe.Dispute, "event": stripe.Event,
}  # fmt: skip


def literals(annotation: Any) -> set[str]:
    """The values that an annotation like Union[Literal[...], str] names."""
    if get_origin(annotation) is Literal:
        return set(get_args(annotation))
    return {value for part in get_args(annotation) for value in literals(part)}


@pytest.mark.parametrize("kind", CLASSES)
def test_every_member_is_one_of_the_official_class(kind: str, said: dict[str, list[dict[str, Any]]]) -> None:
    assert said[kind]
    members = {name for each in said[kind] for name in each}
    assert members <= {*CLASSES[kind].__annotations__}


@pytest.mark.parametrize(
    ("kind", "member", "least"),
    [
        ("payment_intent", "status", 6), ("payment_intent", "capture_method", 2), ("charge", "status", 2),
        ("dispute", "status", 2), ("event", "type", 12),
    ],
)  # fmt: skip
def test_every_value_is_one_that_the_official_class_names(
    kind: str, member: str, least: int, said: dict[str, list[dict[str, Any]]]
) -> None:
    values = {each[member] for each in said[kind]}
    assert len(values) >= least, values
    assert values <= literals(CLASSES[kind].__annotations__[member])


def test_every_member_of_an_error_is_one_of_the_official_class(shared_gateway: GatewayProcess) -> None:
    answers = [
        shared_gateway.pay("a", fault="decline_lost_card"),
        shared_gateway.pay("a", amount="1"),
        shared_gateway.pay("b", fault="conflict"),
        shared_gateway.http.post(f"/v1/payment_intents/{shared_gateway.make().id}/capture"),
    ]
    members = {name for answer in answers for name in json.loads(answer.content)["error"]}
    assert members <= {*stripe.ErrorObject.__annotations__}


def test_every_parameter_that_is_taken_is_one_of_the_official_client() -> None:
    taken = intent_forms.CREATION | intent_forms.WITHOUT_MEANING
    assert taken <= {*stripe.params.PaymentIntentCreateParams.__annotations__}


def test_the_names_are_those_of_the_version_that_the_client_speaks(said: dict[str, list[dict[str, Any]]]) -> None:
    assert {event["api_version"] for event in said["event"]} == {stripe.api_version}
