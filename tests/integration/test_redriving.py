"""Redrive: parked events take effect after all, in order, once; what still fails stays, with what is behind it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pydantic import ValidationError
from pytest_django.fixtures import Settings

from billing.models import Invoice
from inbox.applying import Outcome
from inbox.discarding import discard
from inbox.late_effect import Fate
from inbox.models import InboxEvent, InboxHorizon, InboxOffset, ParkedEvent
from inbox.record import read_record
from inbox.redriving import forecast, redrive
from inbox.waiting import choose
from outbox.envelope import format_sequence
from outbox.models import OutboxEvent
from tests.interruptions import Once, terminate_backend
from tests.parked_steps import STEP, Broken, consuming, raw, receive_steps, step, steps_taken, waiting
from tests.records import TOPIC

UNREADABLE = json.dumps({"number": 7}).encode()


@pytest.fixture(autouse=True)
def broken(log: None, settings: Settings) -> Iterator[Broken]:
    broken = Broken("a", "b")
    with consuming(broken, settings):
        yield broken


def run(**chosen: Any) -> list[tuple[str, str]]:
    return [(each.fate.value, each.event.event_id) for each in redrive(choose("tests", **chosen), by="someone")]


def dry_run(**chosen: Any) -> list[tuple[str, str]]:
    return [(each.fate.value, each.event.event_id) for each in forecast(choose("tests", **chosen))]


def everything() -> list[list[tuple[Any, ...]]]:
    """The rows of every table that a redrive can change."""
    models = (InboxEvent, ParkedEvent, InboxOffset, Invoice, OutboxEvent)
    return [sorted(model.objects.values_list(), key=repr) for model in models]


def test_redrive_applies_the_failed_event_then_those_behind_it_in_order_and_the_key_flows_again(broken: Broken) -> None:
    receive_steps([step(0), step(1, needs="a"), step(2), step(3)])
    assert (steps_taken(), waiting()) == ([0], [("failed", "step-1"), ("queued", "step-2"), ("queued", "step-3")])
    broken.mend()
    assert run(ids=["step-3"]) == [("applied", "step-1"), ("applied", "step-2"), ("applied", "step-3")]
    assert receive_steps([step(4)]) == [Outcome.APPLIED]
    assert (steps_taken(), waiting(), InboxEvent.objects.count()) == ([0, 1, 2, 3, 4], [], 5)
    resolved = ParkedEvent.objects.get(event_id="step-1")
    assert (resolved.resolution, resolved.resolved_by, resolved.attempts) == ("applied", "someone", 3)
    assert broken.hooks == [0, 1, 2, 3, 4]


def test_redrive_stops_a_key_at_the_first_event_that_still_fails_and_other_keys_go_on(broken: Broken) -> None:
    one, other = {"key": "k"}, {"key": "other"}
    receive_steps([step(0, needs="a", **one), step(1, needs="b", **one), step(2, **one), step(3, needs="a", **other)])
    broken.words = {"b"}
    assert run(everything=True) == [
        ("applied", "step-0"), ("still failing", "step-1"), ("waiting", "step-2"), ("applied", "step-3"),
    ]  # fmt: skip
    assert waiting() == [("failed", "step-1"), ("queued", "step-2")]
    head = ParkedEvent.objects.get(event_id="step-1")
    assert (head.attempts, head.problem.splitlines()[-1]) == (1, "ValueError: step 1 needs b")
    run(keys=["k"])
    head.refresh_from_db()
    assert head.attempts == 2
    broken.mend()
    run(fingerprints=[head.fingerprint])
    assert (steps_taken(), waiting()) == ([0, 1, 2], [])


def test_what_was_redriven_is_not_redriven_again_and_a_redelivery_is_a_duplicate(broken: Broken) -> None:
    receive_steps([step(0, needs="a")])
    broken.mend()
    run(everything=True)
    assert run(everything=True) == []
    assert receive_steps([step(1, id="step-0", needs="a")]) == [Outcome.PARKED], "the number in it is another one"
    InboxOffset.objects.update(next_offset=0)
    assert receive_steps([step(0, needs="a")]) == [Outcome.DUPLICATE]
    assert steps_taken() == [0]


def test_the_causation_of_what_a_redriven_event_records_is_that_event(broken: Broken) -> None:
    receive_steps([step(0, needs="a")])
    broken.mend()
    run(everything=True)
    assert OutboxEvent.objects.get().headers["causationid"] == "step-0"


@pytest.mark.parametrize("beginning", ['UPDATE "inbox_parked"', 'INSERT INTO "billing_invoice"'])
def test_a_session_lost_between_effect_and_mark_leaves_neither(
    broken: Broken, settings: Settings, beginning: str
) -> None:
    receive_steps([step(0, needs="a"), step(1)])
    broken.mend()
    settings.INBOX = settings.INBOX | {"ATTEMPTS": 1}
    before = everything()
    with connection.execute_wrapper(Once(beginning, terminate_backend)), pytest.raises(Exception, match="terminating"):
        run(everything=True)
    connection.close()
    assert everything() == before
    assert run(everything=True) == [("applied", "step-0"), ("applied", "step-1")]


def test_a_session_lost_between_effect_and_mark_is_tried_again(broken: Broken) -> None:
    receive_steps([step(0, needs="a"), step(1)])
    broken.mend()
    with connection.execute_wrapper(Once('UPDATE "inbox_parked"', terminate_backend)):
        assert run(everything=True) == [("applied", "step-0"), ("applied", "step-1")]
    assert (steps_taken(), broken.hooks) == ([0, 1], [0, 1])


def test_a_forecast_says_what_a_redrive_does_changes_nothing_and_runs_no_hook(broken: Broken) -> None:
    receive_steps([
        step(0, needs="a"), step(1, needs="b"), step(2), step(3, needs="a", key="other"), raw(4, b"{", type=STEP),
    ])  # fmt: skip
    broken.words = {"b"}
    before = everything()
    foreseen = dry_run(everything=True)
    assert everything() == before
    assert broken.hooks == []
    assert foreseen == run(everything=True)
    assert {fate for fate, _ in foreseen} == {"applied", "still failing", "waiting"}
    assert broken.hooks == [0, 3]


def test_a_forecast_sees_constraints_that_are_checked_at_commit(broken: Broken) -> None:
    receive_steps([step(0, needs="a")])
    broken.mend()
    deferred = "ALTER TABLE billing_invoice ADD CONSTRAINT late UNIQUE (amount) DEFERRABLE INITIALLY DEFERRED"
    Invoice.objects.create(payment_id="0193f2d0-0000-7000-8000-000000000001", amount=1, reference="r")
    with connection.cursor() as cursor:
        cursor.execute(deferred)
    try:
        foreseen = forecast(choose("tests", everything=True))
        done = list(redrive(choose("tests", everything=True), by="-"))
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE billing_invoice DROP CONSTRAINT late")
    assert [each.fate for each in (*foreseen, *done)] == [Fate.FAILING, Fate.FAILING]
    assert steps_taken() == []


def unreadable(offset: int, data: bytes = UNREADABLE, **attributes: Any) -> None:
    """Receive a record of a specversion that is not known yet, and let the code learn it: the row is mended by hand."""
    known = raw(offset, data, **({"id": f"step-{offset}", "type": STEP} | attributes))
    headers = [(name, b"0.3" if name == "ce_specversion" else value) for name, value in known.headers]
    receive_steps([read_record(topic=TOPIC, partition=0, offset=offset, key=b"k", value=data, headers=headers)])


def learn_to_read() -> None:
    """As new code would read them."""
    for row in ParkedEvent.objects.filter(reason="unreadable"):
        row.headers = [[name, "1.0" if name == "ce_specversion" else value] for name, value in row.headers]
        row.save()


def test_an_unreadable_record_that_the_code_can_read_now_is_received_as_if_it_came_now(broken: Broken) -> None:
    unreadable(0)
    receive_steps([step(1)])
    assert run(everything=True) == [("still failing", f"{TOPIC}/0/0")]
    row = ParkedEvent.objects.get()
    assert (row.attempts, row.problem) == (2, "ce_specversion is '0.3', expected '1.0'")
    learn_to_read()
    assert dry_run(everything=True) == run(everything=True) == [("applied", f"{TOPIC}/0/0")]
    assert (steps_taken(), InboxEvent.objects.count(), waiting()) == ([1, 7], 2, [])


def test_an_unreadable_record_whose_id_took_effect_meanwhile_is_a_duplicate_or_stays_if_its_content_differs(
    broken: Broken,
) -> None:
    same, other = step(2), step(3)
    assert same.envelope is not None
    unreadable(0, same.envelope.data, id="step-2")
    unreadable(1, b'{"number": 99}', id="step-3")
    receive_steps([same, other])
    learn_to_read()
    assert run(everything=True) == [("duplicate", f"{TOPIC}/0/0"), ("still failing", f"{TOPIC}/0/1")]
    assert steps_taken() == [2, 3]
    assert "belongs to another content" in ParkedEvent.objects.get(resolved_at=None).problem


def test_an_unreadable_record_waits_for_earlier_parked_events_of_its_key(broken: Broken) -> None:
    receive_steps([step(0, needs="a")])
    unreadable(1)
    learn_to_read()
    assert run(everything=True) == [("still failing", "step-0"), ("waiting", f"{TOPIC}/0/1")]
    broken.mend()
    assert run(everything=True) == [("applied", "step-0"), ("applied", f"{TOPIC}/0/1")]
    assert steps_taken() == [0, 7]


def test_an_unreadable_record_waits_for_no_later_event_of_its_key(broken: Broken) -> None:
    unreadable(0)
    receive_steps([step(1, needs="a")])
    learn_to_read()
    assert run(ids=[f"{TOPIC}/0/0"]) == [("applied", f"{TOPIC}/0/0")]


def test_an_unreadable_record_within_the_horizon_is_not_applied_a_copy_may_have_been_and_was_pruned(
    broken: Broken, settings: Settings
) -> None:
    settings.INBOX = settings.INBOX | {"OUTBOXES": {"/tests": [TOPIC]}}
    sequences = [format_sequence(generation=1, window_id=window, position=window) for window in (1, 2, 3)]
    unreadable(0, sequence=sequences[1])
    span = {"lowest": sequences[0], "highest": sequences[2]}
    InboxHorizon.objects.create(
        consumer="tests", source="/tests", topic=TOPIC, partition=0, event_type=STEP, offset=9, **span
    )  # fmt: skip
    learn_to_read()
    assert run(everything=True) == [("still failing", f"{TOPIC}/0/0")]
    assert "whether a copy of it took effect is forgotten" in ParkedEvent.objects.get().problem
    assert (steps_taken(), InboxEvent.objects.count()) == ([], 0)


def test_an_unreadable_record_of_a_type_that_nobody_handles_stays_for_a_person(broken: Broken) -> None:
    unreadable(0, type="weather.rain.fell.v1")
    learn_to_read()
    assert run(everything=True) == [("still failing", f"{TOPIC}/0/0")]
    assert "has no handler" in ParkedEvent.objects.get().problem


def test_a_quarantined_content_takes_effect_only_when_the_first_one_was_discarded_and_then_once(broken: Broken) -> None:
    receive_steps([step(0, needs="a"), step(1, id="step-0"), step(2, id="step-0")])
    broken.mend()
    assert waiting() == [("failed", "step-0"), ("quarantined", "step-0"), ("quarantined", "step-0")]
    [first, second, third] = ParkedEvent.objects.order_by("offset")
    assert run_one(second) == [Fate.WAITING]
    discard(first, by="someone", reason="the producer sent it again")
    assert run_one(second) == [Fate.APPLIED]
    assert run_one(third) == [Fate.FAILING]
    assert steps_taken() == [1]
    InboxOffset.objects.update(next_offset=0)
    assert receive_steps([step(0, needs="a")]) == [Outcome.DUPLICATE], "what was discarded stays so"


def test_a_quarantined_content_of_an_event_that_took_effect_never_does(broken: Broken) -> None:
    receive_steps([step(0), step(1, id="step-0")])
    assert run(everything=True) == [("still failing", "step-0")]
    assert steps_taken() == [0]


def run_one(event: ParkedEvent) -> list[Fate]:
    return [each.fate for each in redrive(ParkedEvent.objects.filter(pk=event.pk), by="someone")]


def test_discard_needs_a_reason_is_kept_and_what_is_behind_waits_for_a_redrive(
    broken: Broken, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    receive_steps([step(0, needs="a"), step(1), step(2, needs="a", key="alone")])
    with pytest.raises(CommandError, match="say something"):
        call_command("discard_inbox", id="step-0", reason=" ")
    call_command("discard_inbox", id="step-0", reason="a test of ours", by="ada")
    assert "1 more of key 'k' wait" in capsys.readouterr().out
    row = ParkedEvent.objects.get(event_id="step-0")
    assert (row.resolution, row.resolved_by, row.discard_reason) == ("discarded", "ada", "a test of ours")
    assert row.resolved_at is not None
    assert "a test of ours" in caplog.text
    assert receive_steps([step(3)]) == [Outcome.PARKED], "the key stays blocked: the later events need a word too"
    call_command("discard_inbox", id="step-2", reason="a test of ours", by="ada")
    assert receive_steps([step(4, key="alone")]) == [Outcome.APPLIED], "nothing was behind it"
    assert run(keys=["k"]) == [("applied", "step-1"), ("applied", "step-3")]
    with pytest.raises(CommandError, match="no parked event"):
        call_command("discard_inbox", id="step-0", reason="again")


def test_discard_asks_which_of_several_contents_under_one_id_is_meant(broken: Broken) -> None:
    receive_steps([step(0, needs="a"), step(1, id="step-0")])
    with pytest.raises(CommandError, match="--digest"):
        call_command("discard_inbox", id="step-0", reason="no good")
    digest = bytes(ParkedEvent.objects.get(reason="quarantined").digest).hex()
    call_command("discard_inbox", id="step-0", reason="no good", digest=digest[:10].upper())
    assert waiting() == [("failed", "step-0")]


def test_the_command_shows_a_forecast_then_applies_and_fails_when_something_still_does(
    broken: Broken, capsys: pytest.CaptureFixture[str]
) -> None:
    receive_steps([step(0, needs="a"), step(1), step(2, needs="b", id="evil\x1b[31m\u202e", key="other")])
    broken.words = {"b"}
    call_command("redrive_inbox", dry_run=True)
    output = capsys.readouterr().out
    assert "forecast: 2 applied, 0 duplicate, 1 still failing, 0 waiting; rolled back" in output
    assert "ValueError: step 2 needs b" in output
    assert r"evil\x1b[31m\u202e" in output
    assert waiting() != []
    with pytest.raises(CommandError, match="not all took effect"):
        call_command("redrive_inbox", all=True)
    assert "2 applied, 0 duplicate, 1 still failing, 0 waiting" in capsys.readouterr().out
    with pytest.raises(CommandError, match="nothing is chosen"):
        call_command("redrive_inbox", id=["no such id"])
    with pytest.raises(CommandError, match="nothing is chosen"):
        call_command("redrive_inbox")


def test_a_validation_error_is_one_line_for_people(broken: Broken, capsys: pytest.CaptureFixture[str]) -> None:
    receive_steps([raw(0, b'{"number": "x"}', type=STEP)])
    call_command("redrive_inbox", dry_run=True)
    [line] = [line for line in capsys.readouterr().out.splitlines() if ValidationError.__name__ in line]
    assert "1 validation error for Step number Input should be a valid integer" in line
    assert "http" not in line
