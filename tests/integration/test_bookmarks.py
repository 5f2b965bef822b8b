"""Read your writes across services: a read of billing with a bookmark of payments waits, in bounds, or says why not."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from queue import Queue
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from pytest_django.fixtures import Settings
from uuid_utils.compat import uuid7

from billing.models import Invoice
from bookmarks.bookmark import Bookmark
from bookmarks.waiting import wait_until_applied
from inbox.consumer import Consumer
from inbox.models import InboxHorizon, InboxOffset, ParkedEvent
from outbox.relay import Relay
from payments.gateway import Answer
from payments.gateway_calls import conclude
from payments.models import GatewayCall
from tests.api_client import client_of, post
from tests.conditions import wait_until
from tests.outbox_records import of_outbox, park, receive_all, sequence
from tests.purchases import drain, receive_until
from tests.records import TOPIC

State = GatewayCall.State
PURCHASE = {"customer_id": "c-1", "reference": "order 1", "amount": 1999, "currency": "USD"}
OLD = UUID("01941f29-7c00-7000-8000-000000000001")  # of 2025-01-01
READS = ["/invoices", f"/invoices/{UUID(int=7)}", f"/invoices/{UUID(int=7)}/credit-notes", "/customers/c-1",
         "/customers/c-1/statement"]  # fmt: skip


@pytest.fixture(autouse=True)
def _billing_reads_payments(log: None, settings: Settings) -> None:
    settings.INBOX = settings.INBOX | {"CONSUMER": "billing", "OUTBOXES": {settings.OUTBOX["SOURCE"]: [TOPIC]}}
    settings.BOOKMARKS = {"WAIT_SECONDS": 0.05}


@pytest.fixture
def offset(log: None) -> None:
    """Billing stands at the beginning of the partition of tests.records."""
    InboxOffset.objects.create(consumer="billing", topic=TOPIC, partition=0, next_offset=0)


@pytest.fixture
def read(settings: Settings) -> Callable[..., Any]:
    """GET of billing with a bookmark."""

    def get(bookmark: str, path: str = "/invoices") -> Any:
        settings.ROOT_URLCONF = "services.urls.billing"
        return client_of().get(path, headers={"Bookmark": bookmark})

    return get


def young_bookmark() -> Bookmark:
    """Of an event that nobody has recorded, as an operation would have drawn it now."""
    return Bookmark.of(uuid7())


def make_calls(answer: Answer) -> None:
    """What the gateway answers to all that was asked."""
    for call in GatewayCall.objects.filter(state=State.PENDING):
        conclude(call.pk, answer)


def assert_too_early(answer: Any) -> None:
    assert (answer.status_code, answer["Content-Type"]) == (425, "application/problem+json")
    assert int(answer["Retry-After"]) > 0


@contextmanager
def reading(bookmark: str) -> Iterator[Queue[Any]]:
    """A read in a thread of its own; gives where its answer will be."""
    answers: Queue[Any] = Queue()

    def look() -> None:
        try:
            answers.put(client_of().get("/invoices", headers={"Bookmark": bookmark}))
        finally:
            connection.close()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield answers
    finally:
        thread.join()


def sleeping_readers() -> list[tuple[str, bool]]:
    """State and "is a transaction open" of the sessions whose last statement was a look into the inbox."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT state, xact_start IS NOT NULL OR backend_xmin IS NOT NULL FROM pg_stat_activity"
            " WHERE query LIKE '%%inbox_horizon%%' AND state LIKE 'idle%%' AND pid <> pg_backend_pid()"
        )
        return list(cursor.fetchall())


@pytest.mark.kafka
def test_a_read_waits_without_a_transaction_until_the_write_of_its_bookmark_is_applied(
    relay: Relay, consumer: Callable[[str], Consumer], read: Callable[..., Any], settings: Settings
) -> None:
    bookmark = post("/payments", PURCHASE)["Bookmark"]
    make_calls(Answer(State.CONFIRMED, "ch_1"))
    assert_too_early(read(bookmark))
    settings.BOOKMARKS = {"WAIT_SECONDS": 60}
    with reading(bookmark) as answers:
        wait_until(sleeping_readers, what="a read that waits")
        assert set(sleeping_readers()) == {("idle", False)}
        drain(relay)
        receive_until(consumer("billing"), Invoice.objects.exists)
        answer = answers.get(timeout=30)
    assert (answer.status_code, [each["amount"] for each in answer.json()["invoices"]]) == (200, [1999])


@pytest.mark.parametrize("path", READS)
def test_every_read_of_what_payments_changes_takes_a_bookmark(read: Callable[..., Any], path: str) -> None:
    assert_too_early(read(str(young_bookmark()), path))


def test_the_wait_is_bounded(read: Callable[..., Any]) -> None:
    began = time.monotonic()
    assert_too_early(read(str(young_bookmark())))
    assert 0.05 <= time.monotonic() - began < 5


def test_who_finds_no_place_to_wait_looks_once_and_places_are_given_back(
    read: Callable[..., Any], settings: Settings, offset: None
) -> None:
    settings.BOOKMARKS = {"WAIT_SECONDS": 60, "WAITING_AT_ONCE": 1}
    began = time.monotonic()
    settings.ROOT_URLCONF = "services.urls.billing"
    bookmark = young_bookmark()
    with reading(str(bookmark)) as answers:
        wait_until(sleeping_readers, what="a read that waits")
        assert_too_early(read(str(young_bookmark())))
        receive_all(of_outbox(0, id=str(bookmark.event_id), source=bookmark.source))
        assert answers.get(timeout=30).status_code == 200
    assert time.monotonic() - began < 30
    settings.BOOKMARKS = {"WAIT_SECONDS": 0.2, "WAITING_AT_ONCE": 1}
    began = time.monotonic()
    assert_too_early(read(str(young_bookmark())))
    assert time.monotonic() - began >= 0.2


def test_a_parked_write_is_told_at_once_until_a_person_has_resolved_it(
    read: Callable[..., Any], settings: Settings, offset: None
) -> None:
    settings.BOOKMARKS = {"WAIT_SECONDS": 60}
    bookmark = young_bookmark()
    park(of_outbox(0, id=str(bookmark.event_id), source=bookmark.source))
    began = time.monotonic()
    answer = read(str(bookmark))
    assert (answer.status_code, "Retry-After" in answer) == (409, False)
    assert "waits for a person" in answer.json()["detail"]
    ParkedEvent.objects.update(
        resolved_at=datetime.now(UTC), resolution="discarded", resolved_by="ada", discard_reason="a test"
    )
    assert read(str(bookmark)).status_code == 200
    assert time.monotonic() - began < 30


def test_what_is_older_than_the_retention_was_pruned_if_its_source_has_a_horizon(read: Callable[..., Any]) -> None:
    old, young = Bookmark.of(OLD), young_bookmark()
    assert_too_early(read(str(old)))
    InboxHorizon.objects.create(
        consumer="billing", source=old.source, topic=TOPIC, partition=0, offset=9,
        event_type="payments.payment.captured.v1", lowest=sequence(1), highest=sequence(9),
    )  # fmt: skip
    assert read(str(old)).status_code == 200
    assert_too_early(read(str(young)))


@pytest.mark.parametrize(
    "forged",
    [
        "",
        "#",
        "01941f29-7c00-7000-8000-000000000001",
        "{source}",
        "{source}#",
        "{source}#1",
        "{source}#01941F29-7C00-7000-8000-000000000001",
        "{source}#9d1f9a3e-5b0e-4c62-9f0a-000000000001",
        "/somewhere/else#01941f29-7c00-7000-8000-000000000001",
        "{source}#01941f29-7c00-7000-8000-000000000001' OR true --",
    ],
)
def test_what_no_service_that_is_read_here_gave_out_is_400(
    read: Callable[..., Any], settings: Settings, forged: str
) -> None:
    answer = read(forged.format(source=settings.OUTBOX["SOURCE"]))
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")


def test_a_read_without_a_bookmark_asks_nobody(settings: Settings) -> None:
    settings.ROOT_URLCONF = "services.urls.billing"
    assert client_of().get("/invoices").status_code == 200


def test_nobody_waits_inside_a_transaction() -> None:
    with transaction.atomic(), pytest.raises(RuntimeError, match="inside a transaction"):
        wait_until_applied(str(young_bookmark()))


def test_the_documents_of_both_apis_have_the_header(settings: Settings) -> None:
    writes = {"/payments": "201", "/payments/{payment_id}/capture": "202", "/payments/{payment_id}/refund": "202"}
    for path, status in writes.items():
        answer = client_of().get("/openapi.json").json()["paths"][path]["post"]["responses"][status]
        assert answer["headers"]["Bookmark"]["schema"] == {"type": "string"}
    settings.ROOT_URLCONF = "services.urls.billing"
    for path in ("/invoices", "/invoices/{invoice_id}", "/customers/{customer_id}/statement"):
        parameters = client_of().get("/openapi.json").json()["paths"][path]["get"]["parameters"]
        (header,) = [each for each in parameters if each["in"] == "header"]
        assert (header["name"], header["required"]) == ("Bookmark", False)
