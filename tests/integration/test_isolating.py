"""Where handlers fail: what fails alone is parked in the transaction of its batch, its key waits, all else flows."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.db import DataError, IntegrityError, connection, transaction
from pydantic import BaseModel

from billing.models import Invoice
from inbox import handles
from inbox.applying import Outcome
from inbox.models import InboxEvent, InboxOffset, ParkedEvent
from inbox.receiving import receive
from inbox.record import Record
from inbox.testing import temporary_handlers
from outbox.envelope import Envelope
from tests.records import PARTITION, TOPIC, record_at

ONE, RUN = "tests.thing.noted.v1", "tests.thing.counted.v1"
ATTEMPTS = 3


class Thing(BaseModel):
    number: int
    fails: bool = False


class Handlers:
    """A handler that is called one by one and one for runs; each writes its events' numbers, and fails as told."""

    def __init__(self) -> None:
        self.called: list[list[int]] = []
        self.committed: list[int] = []
        self.fail: Callable[[Thing], None] = raise_as_told

    def note(self, things: list[Thing]) -> None:
        self.called.append([thing.number for thing in things])
        for thing in things:
            transaction.on_commit(partial(self.committed.append, thing.number))
            Invoice.objects.create(payment_id=UUID(int=thing.number), customer_id="c", reference="r", amount=0)
            if thing.fails:
                self.fail(thing)


def raise_as_told(thing: Thing) -> None:
    raise RuntimeError(f"{thing.number} fails")


@pytest.fixture(autouse=True)
def handlers(log: None) -> Iterator[Handlers]:
    made = Handlers()
    with temporary_handlers():

        @handles(ONE, Thing)
        def note_one(thing: Thing, envelope: Envelope) -> None:
            made.note([thing])

        @handles(RUN, Thing, batch=True)
        def note_run(run: list[tuple[Thing, Envelope]]) -> None:
            made.note([thing for thing, _ in run])

        InboxOffset.objects.create(consumer="tests", topic=TOPIC, partition=0, next_offset=0)
        yield made


def thing(number: int, *, fails: bool = False, **attributes: Any) -> Record:
    return record_at(number, {"number": number, "fails": fails}, **{"type": ONE, "key": str(number)} | attributes)


def things(count: int, *, bad: set[int], **attributes: Any) -> list[Record]:
    return [thing(number, fails=number in bad, **attributes) for number in range(count)]


def receive_isolating(records: list[Record], *, attempts: int = ATTEMPTS) -> dict[Outcome, int]:
    expected = InboxOffset.objects.get(consumer="tests").next_offset
    return dict(receive("tests", records, expected={PARTITION: expected}, attempts=attempts))


def applied() -> list[int]:
    return [row.payment_id.int for row in Invoice.objects.order_by("id") if row.payment_id]


def parked() -> list[tuple[int, str, int]]:
    return list(ParkedEvent.objects.order_by("offset").values_list("offset", "reason", "attempts"))


kinds = pytest.mark.parametrize("kind", [ONE, RUN], ids=["one by one", "a run"])


@kinds
def test_what_fails_is_parked_and_all_others_take_effect_once_and_in_order(kind: str, handlers: Handlers) -> None:
    bad = {0, 99, 100, 299}
    assert receive_isolating(things(300, bad=bad, type=kind)) == {Outcome.APPLIED: 296, Outcome.PARKED: 4}
    good = [number for number in range(300) if number not in bad]
    assert applied() == good
    assert handlers.committed == good, "hooks of what was undone do not run"
    assert [offset for offset, _, _ in parked()] == sorted(bad)
    assert InboxEvent.objects.count() == 300
    assert InboxOffset.objects.get(consumer="tests").next_offset == 300


@kinds
def test_a_failing_event_is_tried_as_often_as_is_asked_for_and_alone_before_it_is_parked(
    kind: str, handlers: Handlers
) -> None:
    receive_isolating(things(4, bad={2}, type=kind), attempts=5)
    assert sum(2 in called for called in handlers.called) == 5
    assert [2] in handlers.called
    assert parked() == [(2, "failed", 5)]
    assert "RuntimeError: 2 fails" in ParkedEvent.objects.get().problem


@kinds
def test_an_event_that_fails_only_once_is_not_parked(kind: str, handlers: Handlers) -> None:
    failures: list[Thing] = []

    def fail_once(thing: Thing) -> None:
        if not failures:
            failures.append(thing)
            raise RuntimeError("only once")

    handlers.fail = fail_once
    assert receive_isolating(things(5, bad={3}, type=kind)) == {Outcome.APPLIED: 5}
    assert applied() == [0, 1, 2, 3, 4]


@kinds
def test_later_events_of_the_key_in_the_same_batch_wait_behind_it_whoever_handles_them(kind: str) -> None:
    other = RUN if kind == ONE else ONE
    batch = [
        thing(0, key="bad", type=kind), thing(1, key="bad", type=kind, fails=True), thing(2, type=kind),
        thing(3, key="bad", type=kind), thing(4, key="bad", type=other), thing(5, type=other),
    ]  # fmt: skip
    assert receive_isolating(batch) == {Outcome.APPLIED: 3, Outcome.PARKED: 3}
    assert sorted(applied()) == [0, 2, 5]
    assert parked() == [(1, "failed", ATTEMPTS), (3, "queued", 0), (4, "queued", 0)]


def test_an_event_without_a_key_blocks_nobody() -> None:
    batch = [thing(0, key="", fails=True), thing(1, key=""), thing(2, key="")]
    assert receive_isolating(batch) == {Outcome.APPLIED: 2, Outcome.PARKED: 1}


def break_a_deferred_constraint(thing: Thing) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO inbox_test_child VALUES (1)")


def swallow_an_error(thing: Thing) -> None:
    with suppress(IntegrityError):
        Invoice.objects.latest("id").save(force_insert=True)


def swallow_a_plain_statements_error(thing: Thing) -> None:
    with suppress(DataError), connection.cursor() as cursor:
        cursor.execute("SELECT 1/0")


@pytest.fixture
def deferred(handlers: Handlers) -> Iterator[None]:
    """A foreign key that is checked at COMMIT, as Django makes them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE inbox_test_parent (id int PRIMARY KEY);"
            "CREATE TABLE inbox_test_child (id int REFERENCES inbox_test_parent DEFERRABLE INITIALLY DEFERRED)"
        )
        yield
        cursor.execute("DROP TABLE inbox_test_child, inbox_test_parent")


@kinds
@pytest.mark.usefixtures("deferred")
@pytest.mark.parametrize(
    ("fail", "problem"),
    [
        (break_a_deferred_constraint, "inbox_test_child"),
        (swallow_an_error, "TransactionManagementError"),
        (swallow_a_plain_statements_error, "current transaction is aborted"),
    ],
)  # fmt: skip
def test_a_handler_that_fails_without_raising_is_found_out(
    kind: str, fail: Callable[[Thing], None], problem: str, handlers: Handlers
) -> None:
    handlers.fail = fail
    assert receive_isolating(things(40, bad={20}, type=kind)) == {Outcome.APPLIED: 39, Outcome.PARKED: 1}
    assert applied() == [number for number in range(40) if number != 20]
    assert parked() == [(20, "failed", parked()[0][2])]
    assert problem in ParkedEvent.objects.get().problem


@kinds
def test_what_passes_by_itself_is_raised_and_nothing_is_changed(kind: str, handlers: Handlers) -> None:
    def time_out(thing: Thing) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 10; SELECT pg_sleep(10)")

    handlers.fail = time_out
    with pytest.raises(Exception, match="statement timeout"):
        receive_isolating(things(10, bad={5}, type=kind))
    assert not InboxEvent.objects.exists()
    assert not Invoice.objects.exists()
    assert not ParkedEvent.objects.exists()


def raise_for_the_run(thing: Thing) -> None:
    """As a statement for all would: what the handler had in hand says nothing."""
    del thing
    raise RuntimeError("one of them")


@pytest.mark.parametrize(("fail", "most"), [(raise_as_told, 5), (raise_for_the_run, 16)])
def test_where_one_in_a_hundred_fails_each_costs_few_calls(
    fail: Callable[[Thing], None], most: int, handlers: Handlers
) -> None:
    handlers.fail = fail
    bad = set(range(50, 1_000, 100))
    receive_isolating(things(1_000, bad=bad, type=RUN))
    assert [offset for offset, _, _ in parked()] == sorted(bad)
    assert len(handlers.called) <= 8 + most * len(bad)
