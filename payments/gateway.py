"""The gateway's side of a call: what is asked of it, and what its answer means. Nothing here touches the database."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import stripe

from payments.gateway_client import client
from payments.models import GatewayCall

State, Kind = GatewayCall.State, GatewayCall.Kind
#: Begins the problem of a call whose key is answered with a stored failure.
STORED_FAILURE = "stored failure: "
_PAGE: Any = {"limit": 100}
#: Reading may be tried again as it is.
_READS: Any = {"max_network_retries": 2}


class Answer(NamedTuple):
    """What is known after an attempt.

    reference: the charge's or refund's id, the decline code of a refusal, the intent's id while nothing is decided.
    intent_id: the gateway's name of the payment. A problem that begins with STORED_FAILURE: the gateway answers this
    key with an error, for ever.
    """

    state: GatewayCall.State
    reference: str = ""
    problem: str = ""
    intent_id: str = ""


def ask_gateway(call: GatewayCall) -> Answer:
    """Make one attempt at the call under its key."""
    return _answer(lambda: _ASK[Kind(call.kind)](call), call)


def find_outcome(call: GatewayCall) -> Answer | None:
    """Ask what became of the call, without its key. None: the gateway knows of nothing that it did.

    A search may lag behind (up to an hour on bad days): https://docs.stripe.com/search#data-freshness
    """
    found = _FIND[Kind(call.kind)](call)
    return None if found is None else read_object(call, found)


def list_charges(**wanted: Any) -> Iterator[Any]:
    """Yield the gateway's charges, newest first, by pages: https://docs.stripe.com/api/charges/list has the filters."""
    return client().v1.charges.list(params=wanted | _PAGE, options=_READS).auto_paging_iter()


def list_refunds(**wanted: Any) -> Iterator[Any]:
    """Yield the gateway's refunds, newest first, by pages: https://docs.stripe.com/api/refunds/list has the filters."""
    return client().v1.refunds.list(params=wanted | _PAGE, options=_READS).auto_paging_iter()


def read_object(call: GatewayCall, found: Any) -> Answer:
    """Return what a PaymentIntent or a Refund means for the call that made or changed it."""
    if call.kind == Kind.REFUND:
        return _read_refund(found)
    wanted = {Kind.AUTHORIZE: "requires_capture", Kind.CANCEL: "canceled"}.get(Kind(call.kind), "succeeded")
    was_authorized = call.kind == Kind.AUTHORIZE and found.status in ("succeeded", "canceled") and found.latest_charge
    if found.status == wanted or was_authorized:
        return Answer(State.CONFIRMED, str(found.latest_charge or ""), intent_id=found.id)
    if found.status == "canceled":
        return Answer(State.REFUSED, "canceled", f"{found.id} was canceled at the gateway", found.id)
    if found.status == "requires_payment_method" and found.last_payment_error:
        error = found.last_payment_error
        code = getattr(error, "decline_code", None) or getattr(error, "code", None) or "refused"
        return Answer(State.REFUSED, code, str(getattr(error, "message", "")), found.id)
    # requires_action, processing: a 200 without money.
    return Answer(State.UNKNOWN, found.id, f"{found.id} is {found.status}: look at it in the gateway", found.id)


def _read_refund(refund: Any) -> Answer:
    if refund.status == "succeeded":
        return Answer(State.CONFIRMED, refund.id)
    if refund.status in ("failed", "canceled"):
        return Answer(State.REFUSED, refund.status, f"{refund.id} is {refund.status}")
    return Answer(State.UNKNOWN, refund.id, f"{refund.id} is {refund.status}: the bank decides")


def _answer(ask: Callable[[], Any], call: GatewayCall) -> Answer:
    try:
        return read_object(call, ask())
    except (stripe.CardError, stripe.InvalidRequestError) as error:
        return Answer(State.REFUSED, _code(error), str(error))
    except stripe.StripeError as error:
        # A time-out, a 5xx, 409 (our own first attempt still runs), 429: it may or may not have happened.
        replayed = (error.http_status or 0) >= 500 and "Idempotent-Replayed" in _named(error.headers)
        problem = f"{type(error).__name__}: {error}"
        return Answer(State.UNKNOWN, problem=f"{STORED_FAILURE}{problem}" if replayed else problem)


def _named(headers: Any) -> set[str]:
    return {str(name).title() for name in headers or {}}


def _code(error: stripe.StripeError) -> str:
    details = error.error
    return (details and (details.decline_code or details.code)) or "refused"


def _create(call: GatewayCall, **more: str) -> Any:
    if call.gateway_reference:  # made, and nothing was decided: under the key it would say the same for ever
        return client().v1.payment_intents.retrieve(call.gateway_reference)
    payment = call.payment
    params: Any = {
        "amount": call.amount,
        "currency": payment.currency.lower(),
        "payment_method": payment.payment_method,
        "confirm": True,
        "metadata": _metadata(call) | {"reference": payment.reference},
    } | more
    return client().v1.payment_intents.create(params=params, options=_key(call))


def _capture(call: GatewayCall) -> Any:
    intent_id = call.payment.gateway_intent
    return client().v1.payment_intents.capture(intent_id, params={"amount_to_capture": call.amount}, options=_key(call))


def _refund(call: GatewayCall) -> Any:
    if call.gateway_reference:  # made, and the bank had not decided: a repeat would get the same words
        return client().v1.refunds.retrieve(call.gateway_reference)
    params: Any = {
        "payment_intent": call.payment.gateway_intent, "amount": call.amount, "metadata": _metadata(call),
    }  # fmt: skip
    return client().v1.refunds.create(params=params, options=_key(call))


def _metadata(call: GatewayCall) -> dict[str, str]:
    return {"payment_id": str(call.payment_id), "gateway_call": f"{call.payment_id}:{call.step}"}


def _key(call: GatewayCall) -> Any:
    # Without a key of ours the client makes one up for each attempt: a double charge.
    return {"idempotency_key": call.idempotency_key}


def _search(call: GatewayCall) -> Any:
    if call.gateway_reference:
        return client().v1.payment_intents.retrieve(call.gateway_reference)
    name = _metadata(call)["gateway_call"]
    found = client().v1.payment_intents.search(params={"query": f"metadata['gateway_call']:'{name}'"})
    return next(iter(found.data), None)


def _retrieve(call: GatewayCall, *, done: str) -> Any:
    intent = client().v1.payment_intents.retrieve(call.payment.gateway_intent)
    return intent if intent.status == done else None


def _find_refund(call: GatewayCall) -> Any:
    refunds = client().v1.refunds.list(params={"payment_intent": call.payment.gateway_intent, "limit": 100})
    name = _metadata(call)["gateway_call"]
    ours = (each for each in refunds.auto_paging_iter() if getattr(each.metadata, "gateway_call", "") == name)
    return next(ours, None)


_ASK: dict[GatewayCall.Kind, Callable[[GatewayCall], Any]] = {
    Kind.CHARGE: _create,
    Kind.AUTHORIZE: lambda call: _create(call, capture_method="manual"),
    Kind.CAPTURE: _capture,
    Kind.CANCEL: lambda call: client().v1.payment_intents.cancel(call.payment.gateway_intent, options=_key(call)),
    Kind.REFUND: _refund,
}
_FIND: dict[GatewayCall.Kind, Callable[[GatewayCall], Any]] = {
    Kind.CHARGE: _search,
    Kind.AUTHORIZE: _search,
    Kind.CAPTURE: lambda call: _retrieve(call, done="succeeded"),
    Kind.CANCEL: lambda call: _retrieve(call, done="canceled"),
    Kind.REFUND: _find_refund,
}
