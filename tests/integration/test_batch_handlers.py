"""Handlers that take a run of events at once: same order, same once, same parking as one by one."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from django.db import connection
from pydantic import BaseModel, Field

from inbox import handles, sql
from inbox.applying import Outcome
from inbox.consumer import Consumer
from inbox.models import InboxEvent, InboxOffset, ParkedEvent
from inbox.receiving import receive
from inbox.record import Record
from inbox.testing import temporary_handlers
from outbox import record, record_many
from outbox.envelope import Envelope, encode
from outbox.exceptions import CauseUnknownError
from outbox.models import OutboxEvent
from payments.events import PaymentInitiated
from tests.purchases import receive_until
from tests.records import PARTITION, TOPIC, captured, event, record_at
from tests.topics import Topics

COUNTED = "tests.thing.counted.v1"
Run = list[tuple["Thing", Envelope]]


class Anything(BaseModel):
    """Reads nothing of the data."""


class Thing(BaseModel):
    number: int = Field(ge=0)


@pytest.fixture(autouse=True)
def own_handlers() -> Iterator[None]:
    with temporary_handlers():
        yield


@pytest.fixture
def runs(log: None) -> list[list[int]]:
    """The numbers of each run that the batch handler of COUNTED was called with."""
    seen: list[list[int]] = []

    @handles(COUNTED, Thing, batch=True)
    def count(run: Run) -> None:
        seen.append([thing.number for thing, _ in run])

    InboxOffset.objects.create(consumer="tests", topic=TOPIC, partition=0, next_offset=0)
    return seen


def counted(number: int, *, offset: int | None = None, **attributes: Any) -> Record:
    known = {"type": COUNTED, "key": str(number)} | attributes
    return record_at(number if offset is None else offset, {"number": number}, **known)


def receive_all(*records: Record) -> dict[Outcome, int]:
    expected = InboxOffset.objects.get(consumer="tests").next_offset
    return dict(receive("tests", records, expected={PARTITION: expected}))


def test_a_run_holds_the_fresh_events_in_offset_order_and_no_duplicate(runs: list[list[int]]) -> None:
    receive_all(counted(0, id="0"))
    outcomes = receive_all(*(counted(n, id=str(n)) for n in (1, 2)), counted(0, offset=3, id="0"),
                           counted(2, offset=4, id="2"), counted(5, id="5"))  # fmt: skip
    assert runs == [[0], [1, 2, 5]]
    assert outcomes == {Outcome.APPLIED: 3, Outcome.DUPLICATE: 2}


def test_one_that_its_model_refuses_is_parked_with_its_key_and_the_run_goes_on_without_it(
    runs: list[list[int]],
) -> None:
    bad = record_at(1, {"number": -1}, type=COUNTED, key="bad")
    outcomes = receive_all(counted(0), bad, counted(2, key="bad"), counted(3))
    assert runs == [[0, 3]]
    assert outcomes == {Outcome.APPLIED: 2, Outcome.PARKED: 2}
    failed, queued = ParkedEvent.objects.order_by("offset")
    assert (failed.reason, queued.reason) == ("failed", "queued")
    assert "greater than or equal to 0" in failed.problem
    assert "Traceback" in failed.problem


def test_an_unknown_version_is_parked_in_the_batch_and_its_neighbours_flow(runs: list[list[int]]) -> None:
    unknown = record_at(1, {"number": 1}, type="tests.thing.counted.v2", key="new")
    assert receive_all(counted(0), unknown, counted(2)) == {Outcome.APPLIED: 2, Outcome.PARKED: 1}
    assert runs == [[0, 2]]
    assert "no handler in 'tests'" in ParkedEvent.objects.get().problem


def test_the_statements_of_a_batch_do_not_grow_with_it(runs: list[list[int]]) -> None:
    statements = []

    def count(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        statements.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        receive("tests", [counted(n) for n in range(1_000)], expected={PARTITION: 0})
    assert len(statements) == 6, statements  # with BEGIN and COMMIT eight, and what the handler does


def test_a_replay_inserts_nothing_and_what_is_new_behind_it_takes_effect(runs: list[list[int]]) -> None:
    first = [counted(n, id=str(n)) for n in range(64)]  # fewer are not asked about
    receive_all(*first)
    statements = []

    def watch(execute: Callable[..., Any], statement: str, params: Any, many: bool, context: Any) -> Any:
        statements.append((statement, len(params["event_id"]) if statement == sql.REMEMBER else 0))
        return execute(statement, params, many, context)

    with connection.execute_wrapper(watch):
        replayed = receive_all(*(each._replace(offset=64 + each.offset) for each in first))
        assert replayed == {Outcome.DUPLICATE: 64}
        assert sql.REMEMBER not in dict(statements)
        mixed = [*(each._replace(offset=128 + each.offset) for each in first), counted(192, id="new")]
        assert receive_all(*mixed) == {Outcome.DUPLICATE: 64, Outcome.APPLIED: 1}
    assert dict(statements)[sql.REMEMBER] == 1, "the new one alone"
    assert runs == [list(range(64)), [192]]


@pytest.fixture
def announcing(runs: list[list[int]]) -> None:
    @handles("payments.payment.captured.v1", Anything, batch=True)
    def announce(run: list[tuple[Anything, Envelope]]) -> None:
        record_many([initiated(envelope) for _, envelope in run], causes=[envelope for _, envelope in run])


def initiated(envelope: Envelope) -> PaymentInitiated:
    facts = {name: value for name, value in captured().items() if name != "charge_id"}
    return PaymentInitiated.model_validate_json(json.dumps(facts | {"reference": envelope.id}))


@pytest.mark.usefixtures("announcing")
def test_what_a_batch_handler_records_names_the_event_that_caused_it() -> None:
    receive_all(*(record_at(n, captured(), id=f"cause-{n}", correlation_id=f"whole-{n}") for n in range(3)))
    recorded = list(OutboxEvent.objects.order_by("position"))
    assert [json.loads(row.data)["reference"] for row in recorded] == ["cause-0", "cause-1", "cause-2"]
    for number, row in enumerate(recorded):
        assert row.headers == {"causationid": f"cause-{number}", "correlationid": f"whole-{number}"}


@pytest.mark.parametrize("count", [1, 2])
def test_a_batch_handler_that_names_no_cause_is_refused_even_with_one_event(count: int, runs: list[list[int]]) -> None:
    @handles("payments.payment.captured.v1", Anything, batch=True)
    def announce(run: list[tuple[Anything, Envelope]]) -> None:
        record(initiated(run[0][1]))

    with pytest.raises(CauseUnknownError, match=r"record\(event, cause=envelope\)"):
        receive_all(*(record_at(n, captured()) for n in range(count)))


@pytest.mark.kafka
def test_a_run_that_fails_is_cut_until_the_one_that_fails_is_parked_alone(
    consumer: Callable[[str], Consumer], topics: Topics
) -> None:
    called: list[list[int]] = []
    applied: list[int] = []

    @handles(COUNTED, Thing, batch=True)
    def count(run: Run) -> None:
        called.append([thing.number for thing, _ in run])
        if any(thing.number == 7 for thing, _ in run):
            raise RuntimeError("seven is too many")
        applied.extend(thing.number for thing, _ in run)

    for number in range(16):
        written = event(json.dumps({"number": number}).encode(), key=f"key-{number}", type=COUNTED)
        topics.write(TOPIC, written.data, key=f"key-{number}".encode(), headers=encode(written))
    tests = consumer("tests")
    receive_until(tests, partial(_is_everything_received, 16))
    assert sorted(applied) == [n for n in range(16) if n != 7]
    parked = ParkedEvent.objects.get()
    assert (parked.partition_key, parked.reason) == ("key-7", "failed")
    assert "seven is too many" in parked.problem
    assert [7] in called
    assert sum(7 in run for run in called) >= tests.settings.attempts


def _is_everything_received(count: int) -> bool:
    return InboxEvent.objects.filter(consumer="tests").count() == count
