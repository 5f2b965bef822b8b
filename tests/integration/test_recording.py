"""record(): what enters the log, and what is refused at the door."""

from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from pydantic import ValidationError

import outbox
from billing.events import InvoiceVoided
from outbox.exceptions import EventTooLargeError, InvalidEventError, NotInTransactionError, UnknownEventTypeError
from outbox.models import OutboxEvent
from payments.events import PaymentDeclined
from tests.large_event import PaymentAnnotated
from tests.purchases import capture, initiate

pytestmark = pytest.mark.usefixtures("log")


def declined(**changes: object) -> PaymentDeclined:
    facts = {"payment_id": uuid4(), "customer_id": "c", "reference": "r", "amount": 1, "currency": "USD"}
    return PaymentDeclined.model_validate(facts | {"decline_code": "lost_card", "version": 1} | changes)


def test_an_event_outside_a_transaction_is_refused() -> None:
    with pytest.raises(NotInTransactionError, match=r"transaction.atomic"):
        outbox.record(declined())
    assert not OutboxEvent.objects.exists()


def test_an_event_goes_with_its_transaction() -> None:
    class BusinessError(Exception):
        pass

    def fail() -> None:
        with transaction.atomic():
            outbox.record(declined())
            raise BusinessError

    with pytest.raises(BusinessError):
        fail()
    assert not OutboxEvent.objects.exists()


def test_a_thousand_events_are_one_statement(django_assert_num_queries: object) -> None:
    events = [declined() for _ in range(1000)]
    with transaction.atomic(), django_assert_num_queries(1):  # type: ignore[operator]
        ids = outbox.record_many(events)
    stored = list(OutboxEvent.objects.order_by("position").values_list("event_id", flat=True))
    assert stored == ids


def test_the_row_carries_the_cloudevents_attributes() -> None:
    event = declined()
    with transaction.atomic():
        event_id = outbox.record(event)
    row = OutboxEvent.objects.get(event_id=event_id)
    assert (row.event_type, row.topic) == ("payments.payment.declined.v1", "payments.payment")
    assert row.partition_key == row.aggregate_id == row.subject == str(event.payment_id)
    assert row.data == event.model_dump_json()


@pytest.mark.parametrize("bad", [{"reference": "a\x00b"}, {"reference": "\ud800"}, {"amount": 2**63}])
def test_what_json_kafka_or_postgresql_could_not_carry_is_refused(bad: dict[str, object]) -> None:
    with transaction.atomic(), pytest.raises((InvalidEventError, ValidationError)):
        outbox.record(declined(**bad))
    assert not OutboxEvent.objects.exists()


@pytest.mark.parametrize("bad", [{"amount": 1.5}, {"amount": "1"}, {"amount": True}, {"surprise": 1}])
def test_an_event_that_does_not_fit_its_declaration_cannot_be_made(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        declined(**bad)


def test_data_over_the_limit_is_refused_and_named() -> None:
    with transaction.atomic(), pytest.raises(EventTooLargeError, match="MAX_DATA_BYTES"):
        outbox.record(PaymentAnnotated(payment_id=uuid4(), note="x" * 1_000_000, version=1))


def test_a_topic_that_the_service_does_not_declare_is_refused(settings: object) -> None:
    settings.OUTBOX = settings.OUTBOX | {"TOPICS": {"payments.payment": 6}}  # type: ignore[attr-defined]
    event = InvoiceVoided(invoice_id=uuid4(), payment_id=uuid4(), reason="r", version=2)
    with transaction.atomic(), pytest.raises(UnknownEventTypeError, match=r"billing.invoice"):
        outbox.record(event)


def test_rows_never_change_and_are_never_copied_in() -> None:
    capture()
    with pytest.raises(DatabaseError, match="append-only"):
        OutboxEvent.objects.update(topic="other")
    with connection.cursor() as cursor, pytest.raises(DatabaseError, match="append-only"):
        cursor.execute(
            "INSERT INTO outbox_event (transaction_id, event_id, source, event_type, subject, aggregate_type,"
            " aggregate_id, topic, partition_key, data)"
            " VALUES ('7', gen_random_uuid(), 's', 't', 's', 'a', 'i', 'x', 'k', '{}')"
        )


def test_an_operation_records_one_event_for_each_change() -> None:
    payment = initiate()
    with transaction.atomic():
        from payments.operations import decline_payment

        decline_payment(payment.id, decline_code="lost_card")
    types = list(OutboxEvent.objects.order_by("position").values_list("event_type", flat=True))
    assert types == ["payments.payment.initiated.v1", "payments.payment.declined.v1"]
