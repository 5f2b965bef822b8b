"""receive() on the real database: nothing that can arrive keeps a record from being put away."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from billing.models import Invoice, LedgerEntry
from inbox.applying import Outcome
from inbox.exceptions import AssignmentLostError
from inbox.failure import Failure
from inbox.models import InboxEvent, InboxHorizon, InboxOffset, ParkedEvent
from inbox.receiving import receive
from inbox.record import Record
from outbox.envelope import MAX_ATTRIBUTE_BYTES, MAX_IDENTITY_BYTES, format_sequence
from outbox.models import OutboxEvent
from tests.parked_records import park_failed
from tests.records import PARTITION, TOPIC, captured, incompressible, record_at

LONGEST_NAME = 249  # Kafka's limit for a topic; ours for a consumer


@pytest.fixture(autouse=True)
def offset(log: None) -> InboxOffset:
    return InboxOffset.objects.create(consumer="billing", topic=TOPIC, partition=0, next_offset=0)


def receive_all(*records: Record) -> dict[Outcome, int]:
    """Receive the records as one batch, from where the database stands."""
    expected = InboxOffset.objects.get(consumer="billing", partition=0).next_offset
    return dict(receive("billing", records, expected={PARTITION: expected}))


def park(record: Record, problem: str = "it failed") -> None:
    park_failed("billing", record, Failure(problem, "f", 3))


@pytest.mark.parametrize("attempts", [None, 3], ids=["plain", "isolating"])
def test_a_consumer_with_a_stale_offset_changes_nothing(attempts: int | None, offset: InboxOffset) -> None:
    InboxOffset.objects.update(next_offset=1)  # its successor went on
    with pytest.raises(AssignmentLostError, match="expected 0, stored is 1"):
        receive("billing", [record_at(0, captured())], expected={PARTITION: 0}, attempts=attempts)
    offset.refresh_from_db()
    assert offset.next_offset == 1
    for model in (InboxEvent, ParkedEvent, Invoice, LedgerEntry, OutboxEvent):
        assert not model.objects.exists(), model


def test_every_transaction_is_read_committed_whatever_the_database_prefers() -> None:
    seen = set()

    def watch(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if "inbox_inboxoffset" in sql and connection.in_atomic_block:
            seen.add(connection.connection.execute("SHOW transaction_isolation").fetchone()[0])
        return result

    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_isolation TO 'repeatable read'")
    try:
        with connection.execute_wrapper(watch):
            receive_all(record_at(0, captured()))
    finally:
        connection.close()
    assert seen == {"read committed"}


def test_a_third_content_under_one_id_is_quarantined_too() -> None:
    contents = [captured(reference=name) for name in ("first", "second", "third")]
    receive_all(*(record_at(offset, data, id="same") for offset, data in enumerate(contents[:2])))
    assert receive_all(record_at(2, contents[2], id="same")) == {Outcome.PARKED: 1}
    assert receive_all(record_at(3, contents[2], id="same")) == {Outcome.DUPLICATE: 1}, "put away once"
    assert receive_all(record_at(4, contents[0], id="same")) == {Outcome.DUPLICATE: 1}
    assert Invoice.objects.get().reference == "first"
    quarantined = ParkedEvent.objects.filter(reason="quarantined").order_by("offset")
    assert [row.offset for row in quarantined] == [1, 2]


def test_other_content_behind_a_new_event_is_quarantined_too() -> None:
    receive_all(record_at(0, captured(reference="first"), id="same"))
    second = [record_at(1, captured(), id="new"), record_at(2, captured(reference="second"), id="same")]
    assert receive_all(*second) == {Outcome.APPLIED: 1, Outcome.PARKED: 1}
    assert ParkedEvent.objects.get().reason == "quarantined"


def test_an_event_whose_id_took_effect_between_two_attempts_is_not_parked() -> None:
    InboxOffset.objects.create(consumer="billing", topic=TOPIC, partition=1, next_offset=0)
    again = record_at(0, captured(), id="same")
    receive("billing", [again._replace(partition=1)], expected={(TOPIC, 1): 0})
    assert receive("billing", [again], expected={PARTITION: 0}, attempts=3) == {Outcome.DUPLICATE: 1}
    assert not ParkedEvent.objects.exists()


def test_a_known_event_in_a_version_that_this_code_cannot_read_is_a_duplicate_and_behind_a_parked_one_it_queues() -> (
    None
):
    data = captured()
    receive_all(record_at(0, data, id="known", key="a"))
    park(record_at(1, captured(), key="b"))
    unknown = {"type": "payments.payment.captured.v2"}
    known = record_at(2, data, id="known", key="a", **unknown)
    queued = record_at(3, captured(), key="b", **unknown)
    assert receive_all(known, queued) == {Outcome.DUPLICATE: 1, Outcome.PARKED: 1}
    assert list(ParkedEvent.objects.order_by("offset").values_list("reason", flat=True)) == ["failed", "queued"]


@pytest.mark.parametrize("together", [True, False], ids=["in a batch", "one by one"])
def test_an_unknown_version_of_a_known_type_is_parked_and_its_key_waits(together: bool) -> None:
    unknown = record_at(0, captured(), key="k", type="payments.payment.captured.v9")
    records = [unknown, record_at(1, captured(), key="k"), record_at(2, captured(), key="other")]
    batches = [records] if together else [[record] for record in records]
    assert sum((Counter(receive_all(*batch)) for batch in batches), Counter()) == {
        Outcome.PARKED: 2, Outcome.APPLIED: 1,
    }  # fmt: skip
    failed = ParkedEvent.objects.get(reason="failed")
    assert "'payments.payment.captured.v9' has no handler in 'billing'" in failed.problem
    assert ParkedEvent.objects.get(reason="queued").offset == 1


def test_the_same_id_with_money_from_two_sources_is_booked_twice() -> None:
    both = [record_at(n, captured(amount=1999), id="same", source=name) for n, name in enumerate(("/one", "/two"))]
    assert receive_all(*both) == {Outcome.APPLIED: 2}
    assert LedgerEntry.objects.filter(event_id="same", account="cash", amount=1999).count() == 2


def test_an_integer_that_a_double_cannot_hold_survives() -> None:
    receive_all(record_at(0, captured(amount=2**53 + 1)))
    assert Invoice.objects.get().amount == 9_007_199_254_740_993


def test_the_largest_legal_event_takes_effect() -> None:
    identity = {"id": incompressible(MAX_IDENTITY_BYTES), "source": incompressible(MAX_IDENTITY_BYTES)}
    data = captured(customer_id="\U0001f6aa" * 255, reference=incompressible(255))
    assert receive_all(record_at(0, data, key=incompressible(MAX_ATTRIBUTE_BYTES), **identity)) == {Outcome.APPLIED: 1}
    assert LedgerEntry.objects.filter(event_id=identity["id"], source=identity["source"]).count() == 4


def test_the_largest_legal_identity_fits_every_index() -> None:
    widest = {
        "consumer": incompressible(LONGEST_NAME), "topic": incompressible(LONGEST_NAME), "partition": 0, "offset": 0,
        "source": incompressible(MAX_IDENTITY_BYTES), "event_id": incompressible(MAX_IDENTITY_BYTES),
        "partition_key": incompressible(MAX_ATTRIBUTE_BYTES),
    }  # fmt: skip
    InboxEvent.objects.create(
        **widest, event_type="t", sequence="", digest=b"", data="", headers="[]", received_at=timezone.now()
    )
    InboxHorizon.objects.create(
        **{name: widest[name] for name in ("consumer", "topic", "partition", "source")},
        event_type=incompressible(255), lowest=format_sequence(generation=1, window_id=1, position=1),
        highest=format_sequence(generation=1, window_id=1, position=2), offset=0,
    )  # fmt: skip
    for reason in ParkedEvent.Reason:
        ParkedEvent.objects.create(
            **widest, digest=reason.encode(), reason=reason, headers="[]", parked_at=timezone.now()
        )


@pytest.mark.parametrize("name", ["customer_id", "reference"])
def test_text_that_no_index_holds_is_parked_before_the_database_sees_it(name: str) -> None:
    assert receive_all(record_at(0, captured(**{name: incompressible(2_700)}))) == {Outcome.PARKED: 1}
    assert f"{name}\n  String should have at most 255 characters" in ParkedEvent.objects.get().problem


def test_a_problem_that_postgresql_cannot_hold_is_parked_with_visible_escapes() -> None:
    park(record_at(0, captured()), "ValueError: \x00 \ud800 é")
    assert ParkedEvent.objects.get().problem == r"ValueError: \x00 \ud800 é"
