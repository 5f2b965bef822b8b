"""The kit for users' tests passes on what is right and fails on what is wrong on purpose."""

import socket
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from pydantic import BaseModel

from billing.models import Invoice
from inbox import handles, sql
from inbox.applying import Outcome
from inbox.handlers import Single
from inbox.models import InboxEvent
from inbox.testing import assert_idempotent, deliver, drain_inbox, make_event, temporary_handlers
from outbox.envelope import Envelope
from outbox.testing import MemoryPublisher, assert_recorded, drain_outbox, refute_recorded
from payments.events import PaymentCaptured, PaymentDeclined, PaymentInitiated
from payments.models import Payment
from tests.purchases import capture, initiate

NOTED = "tests.thing.noted.v1"
ReceivedOnce = Callable[..., None]
pytestmark = pytest.mark.usefixtures("log")


@pytest.fixture(scope="module", autouse=True)
def open_connection() -> Iterator[None]:
    yield
    for end in connected():
        end.close()


class Noted(BaseModel):
    text: str


@pytest.fixture(autouse=True)
def own_handlers() -> Iterator[None]:
    with temporary_handlers():
        yield


def write(noted: Noted, envelope: Envelope) -> None:
    """A handler as it should be."""
    Invoice.objects.create(payment_id=uuid4(), customer_id="c", reference=noted.text, amount=0)


def noted(text: str = "text") -> Envelope:
    return make_event(NOTED, {"text": text}, key="k")


def handle_with(function: Single[Noted]) -> None:
    """Declare the function as the consumer "tests"' handler, whatever module it is from."""

    @handles(NOTED, Noted)
    def handle(thing: Noted, envelope: Envelope) -> None:
        function(thing, envelope)


def write_past_the_transaction(noted: Noted, envelope: Envelope) -> None:
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute(
            "INSERT INTO billing_invoice (id, payment_id, customer_id, reference, amount, currency, state, version, "
            "issued_at) VALUES (gen_random_uuid(), gen_random_uuid(), 'c', 'past', 0, 'USD', 'paid', 2, now())"
        )
    other.close()


def call_the_world(noted: Noted, envelope: Envelope) -> None:
    urllib.request.urlopen("http://127.0.0.1:9/charge", timeout=1)


@cache
def connected() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair()


def send_on_an_open_connection(noted: Noted, envelope: Envelope) -> None:
    connected()[0].sendall(b"charge")


def call_the_world_and_never_mind(noted: Noted, envelope: Envelope) -> None:
    with suppress(Exception):
        call_the_world(noted, envelope)


def test_a_handler_as_it_should_be_is_received_once(assert_received_once: ReceivedOnce) -> None:
    handle_with(write)
    assert_received_once(noted("once"), consumer="tests")
    assert Invoice.objects.get().reference == "once"


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (write_past_the_transaction, r"rows changed by an attempt that was rolled back:\n  \+ billing_invoice .*past"),
        (call_the_world, "the network is refused here: getaddrinfo"),
        (send_on_an_open_connection, "the network is refused here: send"),
        (call_the_world_and_never_mind, "the network was touched by a handler, which may be run again: getaddrinfo"),
    ],
)
def test_a_handler_that_is_wrong_on_purpose_fails(
    wrong: Single[Noted], problem: str, assert_received_once: ReceivedOnce
) -> None:
    handle_with(wrong)
    with pytest.raises(AssertionError, match=problem):
        assert_received_once(noted(), consumer="tests")


def test_an_inbox_that_forgets_fails_by_the_second_receipt(assert_received_once: ReceivedOnce) -> None:
    def forget(noted: Noted, envelope: Envelope) -> None:
        write(noted, envelope)
        transaction.on_commit(lambda: InboxEvent.objects.all().delete())

    handle_with(forget)
    with pytest.raises(AssertionError, match=r"expected the event to be duplicate, it was \{<Outcome.APPLIED"):
        assert_received_once(noted(), consumer="tests")


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (
            lambda: Invoice.objects.update(amount=0),
            r"by the second receipt:\n  - billing_invoice .*\n  \+ billing_invoice",
        ),
        (lambda: connected()[0].send(b"charge"), "the network is refused here: send"),
    ],
)
def test_a_second_receipt_that_does_something_fails(
    wrong: Callable[[], Any], problem: str, assert_received_once: ReceivedOnce
) -> None:
    def when_the_id_is_known(execute: Callable[..., Any], statement: str, *args: Any) -> Any:
        if statement == sql.DIGESTS:
            wrong()
        return execute(statement, *args)

    handle_with(write)
    with connection.execute_wrapper(when_the_id_is_known), pytest.raises(AssertionError, match=problem):
        assert_received_once(noted(), consumer="tests")


def test_what_a_handler_leaves_to_on_commit_may_touch_the_network(assert_received_once: ReceivedOnce) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        handle_with(lambda *_: transaction.on_commit(lambda: socket.create_connection(server.getsockname()).close()))
        assert_received_once(noted(), consumer="tests")
        server.settimeout(5)
        server.accept()[0].close()
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()  # once, and not by the attempt that was rolled back


@pytest.mark.parametrize(
    ("event", "problem"),
    [(noted, "an event was parked: .*no handler"), (lambda: make_event("a.b.c.v1", {}), "it was {<Outcome.IGNORED")],
)
def test_an_event_without_its_handler_fails(
    event: Callable[[], Envelope], problem: str, assert_received_once: ReceivedOnce
) -> None:
    handles("tests.thing.noted.v2", Noted)(write)
    with pytest.raises(AssertionError, match=f"(?s){problem}"):
        assert_received_once(event(), consumer="tests")


def test_deliver_twice_runs_the_handler_once() -> None:
    handle_with(write)
    assert deliver(noted(), times=2, consumer="tests") == {Outcome.APPLIED: 1, Outcome.DUPLICATE: 1}
    assert Invoice.objects.count() == 1


def test_deliver_says_why_an_event_was_parked() -> None:
    handle_with(write)
    with pytest.raises(AssertionError, match=r"(?s)an event was parked: Traceback.*text\n  Field required"):
        deliver(make_event(NOTED, {}), consumer="tests")


def test_an_event_goes_the_whole_way_in_memory() -> None:
    broker = MemoryPublisher(topics={"payments.payment": 6, "billing.invoice": 6})
    payments = [capture(number) for number in range(3)]
    assert drain_outbox(broker) == 6
    assert drain_outbox(broker) == 0
    received = drain_inbox(broker.log, consumer="billing", batch_size=2)
    assert received == {Outcome.APPLIED: 3, Outcome.IGNORED: 3}
    assert not drain_inbox(broker.log, consumer="billing")
    assert drain_outbox(broker) == 6
    drain_inbox(broker.log, consumer="payments")
    assert {payment.pk for payment in Payment.objects.filter(invoice_state="paid")} == {each.pk for each in payments}


def test_draining_inside_a_transaction_says_what_to_do() -> None:
    with transaction.atomic(), pytest.raises(RuntimeError, match="transactional_db"):
        drain_outbox(MemoryPublisher(topics={}))


def test_assert_recorded_finds_events_by_their_fields() -> None:
    first, second = capture(1, amount=5), capture(2, amount=7)
    [event] = assert_recorded(PaymentCaptured, payment_id=second.pk)
    assert (event.amount, event.charge_id) == (7, "ch_2")
    assert len(assert_recorded(PaymentInitiated, times=2)) == 2
    refute_recorded(PaymentDeclined)
    refute_recorded(PaymentCaptured, payment_id=first.pk, amount=7)


def test_assert_recorded_fails_with_what_was_recorded_instead() -> None:
    initiate(amount=5)
    with pytest.raises(AssertionError, match=r"was recorded 0 times, expected 1. The log holds:\n.*\"amount\":5"):
        assert_recorded(PaymentInitiated, amount=6)
    with pytest.raises(AssertionError, match="was recorded 1 times, expected 0"):
        refute_recorded(PaymentInitiated)
    with pytest.raises(TypeError, match="PaymentInitiated has no field amuont"):
        refute_recorded(PaymentInitiated, amuont=5)


def test_assert_idempotent_passes_where_the_second_call_changes_nothing() -> None:
    payment_id = uuid4()

    def once(key: UUID) -> bool:
        return Invoice.objects.get_or_create(payment_id=key, defaults={"amount": 0})[1]

    assert assert_idempotent(once, payment_id) is True
    assert Invoice.objects.get().payment_id == payment_id


def rewrite(reference: str) -> None:
    Invoice.objects.update(reference=reference)


def append(reference: str) -> None:
    Invoice.objects.create(payment_id=uuid4(), customer_id="c", reference=reference, amount=0)


@pytest.mark.parametrize(("function", "lines"), [(rewrite, 2), (append, 1)])
def test_assert_idempotent_fails_when_the_second_call_writes_a_row(function: Callable[[str], None], lines: int) -> None:
    append("there before")
    with pytest.raises(AssertionError, match="rows changed by the second call") as caught:
        assert_idempotent(function, "same")
    assert str(caught.value).count("billing_invoice") == lines


def test_assert_idempotent_fails_when_the_second_call_does_it_again_outside() -> None:
    charges: list[str] = []
    with pytest.raises(AssertionError, match="1 became 2"):
        assert_idempotent(charges.append, "ch", observe=lambda: len(charges))
