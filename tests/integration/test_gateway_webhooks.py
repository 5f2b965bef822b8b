"""Events are told to whoever listens: signed, again until it answers, and now and then twice, late or never."""

import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import stripe

from tests.conditions import wait_until
from tests.gateway_process import WEBHOOK_SECRET, GatewayProcess


class Listener:
    """Whoever listens: keeps what it was told; answers 500 to what is about `deaf_to`, so many times."""

    def __init__(self) -> None:
        self.told: list[tuple[str, bytes]] = []
        self.deaf_to: Counter[str] = Counter()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}/webhooks"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def events(self) -> list[stripe.Event]:
        """What was told, as the official client verifies and reads it."""
        return [
            stripe.Webhook.construct_event(body, signature, WEBHOOK_SECRET, api_key="k")
            for signature, body in self.told
        ]

    def types(self, intent_id: str) -> list[str]:
        """The types of the events about an intent, in the order of their arrival."""
        about = [
            event
            for event in self.events()
            if intent_id in (event.data.object["id"], getattr(event.data.object, "payment_intent", None))
        ]
        return [event.type for event in about]

    def close(self) -> None:
        """Listen no longer."""
        self.server.shutdown()
        self.server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                refusing = [name for name, times in listener.deaf_to.items() if times and name in body.decode()]
                listener.deaf_to.subtract(refusing)
                listener.told.append((self.headers["Stripe-Signature"], body))
                self.send_response(500 if refusing else 200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


@pytest.fixture(scope="module")
def gateway(listener: Listener, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    folder = tmp_path_factory.mktemp("telling")
    process = GatewayProcess(folder, GATEWAY_WEBHOOK_URL=listener.url, GATEWAY_WEBHOOK_SECRET=WEBHOOK_SECRET)
    process.start()
    yield process
    process.stop()


def wait_for(listener: Listener, intent_id: str, *types: str) -> None:
    """Wait until exactly these events about an intent came, in this order; not as long as a held one waits at most."""
    wait_until(
        lambda: len(listener.types(intent_id)) >= len(types),
        what=lambda: f"{types}: {listener.types(intent_id)}",
        seconds=25,
    )
    assert listener.types(intent_id) == [*types]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, "payment_intent.succeeded"),
        ({"capture_method": "manual"}, "payment_intent.amount_capturable_updated"),
        ({"payment_method": "pm_card_visa_chargeDeclined"}, "payment_intent.payment_failed"),
        ({"payment_method": "pm_card_authenticationRequired"}, "payment_intent.requires_action"),
        ({"payment_method": "pm_usBankAccount_processing"}, "payment_intent.processing"),
    ],
)
def test_a_confirmation_is_told_with_what_came_of_it(
    changes: dict[str, str], kind: str, gateway: GatewayProcess, listener: Listener
) -> None:
    made = gateway.make(**changes)
    gateway.http.post(f"/v1/payment_intents/{made.id}/confirm", headers={"Idempotency-Key": made.id})
    wait_for(listener, made.id, kind)
    [event] = [event for event in listener.events() if event.data.object["id"] == made.id]
    assert event.data.object == gateway.client.v1.payment_intents.retrieve(made.id)
    assert event.request is not None
    assert event.request.idempotency_key == made.id


def test_capture_and_cancellation_are_told(gateway: GatewayProcess, listener: Listener) -> None:
    taken, over = (gateway.make(capture_method="manual", confirm=True).id for _ in range(2))
    gateway.client.v1.payment_intents.capture(taken)
    gateway.client.v1.payment_intents.cancel(over)
    wait_for(listener, taken, "payment_intent.amount_capturable_updated", "payment_intent.succeeded")
    wait_for(listener, over, "payment_intent.amount_capturable_updated", "payment_intent.canceled")


@pytest.mark.parametrize(
    ("outcome", "last"), [("succeeded", ["refund.updated"]), ("failed", ["refund.updated", "refund.failed"])]
)
def test_a_refund_is_told_when_it_begins_and_when_it_ends(
    outcome: str, last: list[str], gateway: GatewayProcess, listener: Listener
) -> None:
    paid = gateway.make(confirm=True, payment_method="pm_card_pendingRefund")
    refund = gateway.client.v1.refunds.create({"payment_intent": paid.id, "amount": 500})
    gateway.http.post(f"/_refunds/{refund.id}", data={"outcome": outcome}).raise_for_status()
    wait_for(listener, paid.id, "payment_intent.succeeded", "charge.refunded", "refund.created", *last)
    charge, *_, ended = [
        event.data.object
        for event in listener.events()
        if getattr(event.data.object, "payment_intent", None) == paid.id
    ]
    assert (charge["object"], charge["amount_refunded"], ended["status"]) == ("charge", 500, outcome)


@pytest.mark.parametrize("outcome", ["won", "lost"])
def test_a_dispute_is_told_when_it_is_opened_and_when_it_is_closed(
    outcome: str, gateway: GatewayProcess, listener: Listener
) -> None:
    paid = gateway.make(confirm=True)
    opened = gateway.http.post("/_disputes", data={"charge": str(paid.latest_charge)}).json()
    found = gateway.client.v1.disputes.retrieve(opened["id"])
    assert (found.status, found.amount, found.reason) == ("needs_response", 1999, "fraudulent")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        gateway.client.v1.refunds.create({"payment_intent": paid.id})
    assert caught.value.code == "charge_disputed"
    gateway.http.post(f"/_disputes/{found.id}", data={"outcome": outcome}).raise_for_status()
    wait_for(listener, paid.id, "payment_intent.succeeded", "charge.dispute.created", "charge.dispute.closed")
    assert gateway.client.v1.disputes.retrieve(found.id).status == outcome
    assert gateway.client.v1.charges.retrieve(str(paid.latest_charge)).disputed
    answer = gateway.http.post("/v1/refunds", data={"payment_intent": paid.id})
    assert answer.status_code == (200 if outcome == "won" else 400), (
        "the money that the bank took is not given back twice"
    )


@pytest.mark.parametrize("capture_method", ["automatic", "manual"])
def test_giving_in_loses_a_dispute_once(capture_method: str, gateway: GatewayProcess) -> None:
    paid = gateway.make(confirm=True, payment_method="pm_card_createDispute", capture_method=capture_method)
    if capture_method == "manual":
        assert gateway.client.v1.disputes.list({"payment_intent": paid.id}).data == []
        gateway.client.v1.payment_intents.capture(paid.id)
    [opened] = gateway.client.v1.disputes.list({"payment_intent": paid.id}).data
    assert gateway.client.v1.disputes.close(opened.id).status == "lost"
    with pytest.raises(stripe.InvalidRequestError, match="already closed"):
        gateway.client.v1.disputes.close(opened.id)


def test_a_signature_of_another_secret_is_refused_by_the_client(gateway: GatewayProcess, listener: Listener) -> None:
    paid = gateway.make(confirm=True)
    wait_for(listener, paid.id, "payment_intent.succeeded")
    [(signature, body)] = [told for told in listener.told if paid.id in told[1].decode()]
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, signature, "whsec_other")
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body.replace(b"1999", b"9991"), signature, WEBHOOK_SECRET)


def test_an_event_is_told_again_until_it_is_answered_with_2xx(gateway: GatewayProcess, listener: Listener) -> None:
    made = gateway.make()
    listener.deaf_to[made.id] = 2
    gateway.client.v1.payment_intents.confirm(made.id)
    wait_for(listener, made.id, *["payment_intent.succeeded"] * 3)
    bodies = [body for _, body in listener.told if made.id in body.decode()]
    assert len({*bodies}) == 1, "the same event, byte for byte"
    assert gateway.make(confirm=True).status == "succeeded", "nobody waits for a listener that is deaf"


def test_a_webhook_comes_twice_when_it_is_asked_for(gateway: GatewayProcess, listener: Listener) -> None:
    paid = gateway.make(confirm=True, fault="webhook_twice")
    wait_for(listener, paid.id, *["payment_intent.succeeded"] * 2)
    assert len({event.id for event in listener.events() if event.data.object["id"] == paid.id}) == 1


def test_a_webhook_comes_after_a_later_one_when_it_is_asked_for(gateway: GatewayProcess, listener: Listener) -> None:
    held = gateway.make(capture_method="manual", confirm=True, fault="webhook_out_of_order")
    gateway.client.v1.payment_intents.capture(held.id)
    wait_for(listener, held.id, "payment_intent.succeeded", "payment_intent.amount_capturable_updated")


def test_a_webhook_that_never_comes_is_found_among_the_events(gateway: GatewayProcess, listener: Listener) -> None:
    held = gateway.make(capture_method="manual", confirm=True, fault="webhook_never")
    gateway.client.v1.payment_intents.capture(held.id)
    wait_for(listener, held.id, "payment_intent.succeeded")
    page = gateway.client.v1.events.list({"type": "payment_intent.amount_capturable_updated", "limit": 100})
    [missed] = [event for event in page.data if event.data.object["id"] == held.id]
    assert gateway.client.v1.events.retrieve(missed.id) == missed


@pytest.mark.parametrize("fault", ["fail_before", "fail_stored", "conflict"])
def test_what_did_not_happen_is_not_told(fault: str, gateway: GatewayProcess, listener: Listener) -> None:
    made = gateway.make()
    url = f"/v1/payment_intents/{made.id}/confirm"
    assert gateway.http.post(url, headers={"X-Gateway-Fault": fault}).status_code in (409, 500)
    gateway.client.v1.payment_intents.cancel(made.id)
    wait_for(listener, made.id, "payment_intent.canceled")


def test_events_that_nobody_heard_are_told_by_the_next_process(tmp_path: Path, listener: Listener) -> None:
    environment = {"GATEWAY_WEBHOOK_URL": listener.url, "GATEWAY_WEBHOOK_SECRET": WEBHOOK_SECRET}
    process = GatewayProcess(tmp_path, **environment)
    process.start()
    made = process.make()
    listener.deaf_to[made.id] = 100
    process.client.v1.payment_intents.confirm(made.id)
    wait_until(lambda: listener.types(made.id), what="a first attempt")
    process.kill()
    listener.deaf_to[made.id] = 0
    heard = len(listener.types(made.id))
    process.start()
    wait_until(lambda: len(listener.types(made.id)) > heard, what="told after the kill")
    process.stop()


def test_without_a_listener_events_are_kept_for_who_asks(shared_gateway: GatewayProcess) -> None:
    paid = shared_gateway.make(confirm=True)
    [event] = shared_gateway.client.v1.events.list({"limit": 1}).data
    assert (event.type, event.data.object["id"], event.pending_webhooks) == ("payment_intent.succeeded", paid.id, 0)
