"""Pruning the inbox: old ids go, and the horizon still knows what was received."""

import importlib
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from celery import current_app
from django.core.management import call_command
from django.db import IntegrityError, connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pydantic import BaseModel
from pytest_django.fixtures import Settings

from billing.models import Invoice, LedgerEntry
from inbox import handles, pruning, tasks
from inbox.applying import Outcome
from inbox.models import InboxEvent, InboxHorizon, InboxOffset, ParkedEvent
from inbox.pruning import Pruning
from inbox.record import read_record
from inbox.testing import temporary_handlers
from outbox.envelope import Envelope
from outbox.models import OutboxEvent
from tests.outbox_records import RETENTION, SOURCE, of_outbox, park, prune, receive_all, sequence
from tests.records import TOPIC, captured, record_at

pytestmark = pytest.mark.usefixtures("offset")


@pytest.fixture
def offset(log: None, settings: Settings) -> InboxOffset:
    settings.INBOX = settings.INBOX | RETENTION
    return InboxOffset.objects.create(consumer="billing", topic=TOPIC, partition=0, next_offset=0)


def counts() -> dict[str, int]:
    models = (InboxEvent, ParkedEvent, Invoice, LedgerEntry, OutboxEvent)
    return {model.__name__: model.objects.count() for model in models}


def undo_effects() -> None:
    """As if nothing had been applied: otherwise the ledger refuses the second time."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE billing_invoice CASCADE")


def references() -> set[str]:
    return set(Invoice.objects.values_list("reference", flat=True))


def age(days: float) -> None:
    """All that was received or resolved until now was so many days earlier."""
    InboxEvent.objects.update(received_at=F("received_at") - timedelta(days=days))
    ParkedEvent.objects.update(resolved_at=F("resolved_at") - timedelta(days=days))


class Anything(BaseModel):
    """What a handler that was added later reads."""


def declare(event_type: str, seen: list[str]) -> None:
    """Declare a handler of billing that notes the ids it is called with."""

    def note(_: Anything, envelope: Envelope) -> None:
        seen.append(envelope.id)

    note.__module__ = "billing.handlers"
    handles(event_type, Anything)(note)


def resolve() -> None:
    ParkedEvent.objects.update(resolved_at=timezone.now(), resolution="applied")


def test_an_event_delivered_again_after_its_id_was_pruned_is_a_duplicate_without_effects() -> None:
    receive_all(*(of_outbox(offset) for offset in range(3)))
    assert prune() == Pruning(ids=3, kept=0, unreadable=0)
    before = counts()
    assert receive_all(*(of_outbox(3 + place, place) for place in range(3))) == {Outcome.DUPLICATE: 3}
    assert counts() == before


def test_a_batch_of_which_only_the_horizon_knows_is_told_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    receive_all(of_outbox(0), of_outbox(1))
    prune()
    receive_all(of_outbox(2, 0), of_outbox(3, 1), of_outbox(4), of_outbox(5, 4), of_outbox(6, 6, type="a.b.c.v1"))
    [line] = [str(record.msg) for record in caplog.records if record.levelname == "WARNING"]
    assert "'count': 2" in line
    assert f"{TOPIC}/0/2" in line


def test_both_ends_of_the_horizon_belong_to_it_and_what_lies_outside_takes_effect() -> None:
    receive_all(of_outbox(0, 10), of_outbox(1, 20))
    prune()
    horizon = InboxHorizon.objects.get()
    assert (horizon.lowest, horizon.highest) == (sequence(10), sequence(20))
    assert receive_all(*(of_outbox(2 + n, place) for n, place in enumerate((9, 10, 20, 21)))) == {
        Outcome.APPLIED: 2, Outcome.DUPLICATE: 2,
    }  # fmt: skip
    assert references() == {"9", "10", "20", "21"}


def test_the_horizon_is_raised_by_what_is_pruned_later_and_never_lowered() -> None:
    receive_all(of_outbox(0, 5), of_outbox(1, 100))
    prune()
    receive_all(of_outbox(2, 1))  # a consumer that was sent back: below all that it remembers
    prune()
    assert InboxHorizon.objects.values_list("lowest", "highest").get() == (sequence(1), sequence(100))
    assert receive_all(of_outbox(3, 100)) == {Outcome.DUPLICATE: 1}


def test_a_consumer_that_was_sent_back_is_not_pruned_before_it_has_passed_again_what_was_pruned() -> None:
    InboxOffset.objects.update(next_offset=5)  # it started in the middle
    receive_all(of_outbox(5), of_outbox(6))
    prune()
    receive_all(of_outbox(7))
    InboxOffset.objects.update(next_offset=0)
    receive_all(of_outbox(0))
    assert prune() == Pruning(ids=0, kept=2, unreadable=0), "or 1 to 4 would lie within the horizon, unseen"
    again = receive_all(*(of_outbox(offset) for offset in range(1, 8)))
    assert again == {Outcome.APPLIED: 4, Outcome.DUPLICATE: 3}
    assert prune() == Pruning(ids=6, kept=0, unreadable=0)
    assert InboxHorizon.objects.values_list("lowest", "highest").get() == (sequence(0), sequence(7))


def test_a_consumer_that_was_sent_back_keeps_what_lies_ahead_though_nothing_was_pruned_yet() -> None:
    InboxOffset.objects.update(next_offset=5)
    receive_all(of_outbox(5))
    InboxOffset.objects.update(next_offset=0)
    receive_all(of_outbox(0))
    assert prune() == Pruning(ids=1, kept=1, unreadable=0)
    assert receive_all(of_outbox(1), of_outbox(5)) == {Outcome.APPLIED: 1, Outcome.DUPLICATE: 1}


def test_a_topic_that_was_made_anew_is_pruned_again_once_its_offsets_are_forgotten() -> None:
    InboxOffset.objects.update(next_offset=100)
    receive_all(of_outbox(100))
    prune()
    receive_all(of_outbox(101))
    InboxOffset.objects.update(next_offset=0)  # the new topic begins here, with what the outbox records next
    receive_all(of_outbox(0, 102))
    assert prune() == Pruning(ids=0, kept=2, unreadable=0)
    InboxHorizon.objects.filter(topic=TOPIC).update(offset=-1)  # as docs/operations.md says
    InboxEvent.objects.filter(topic=TOPIC).update(offset=-1)
    assert prune() == Pruning(ids=2, kept=0, unreadable=0)
    assert receive_all(of_outbox(1, 102), of_outbox(2, 103)) == {Outcome.DUPLICATE: 1, Outcome.APPLIED: 1}


def test_an_outbox_that_began_anew_under_its_source_is_heard_again_without_its_horizon() -> None:
    receive_all(of_outbox(0, 5), of_outbox(1, 9))
    prune()
    new = of_outbox(2, 7, id="another database's")
    assert receive_all(new) == {Outcome.DUPLICATE: 1}
    InboxHorizon.objects.filter(source=SOURCE).delete()  # as docs/operations.md says
    InboxOffset.objects.update(next_offset=2)
    assert receive_all(new) == {Outcome.APPLIED: 1}


def test_a_higher_window_or_generation_is_above_the_horizon_whatever_its_position() -> None:
    receive_all(of_outbox(0, 50, sequence=sequence(50, window_id=9)))
    prune()
    explicit, rebased = sequence(7, window_id=10), sequence(7, generation=2)
    assert receive_all(of_outbox(1, 7, sequence=explicit), of_outbox(2, 8, sequence=rebased)) == {Outcome.APPLIED: 2}


def test_a_handler_declared_later_sees_the_events_that_were_ignored_though_the_horizon_is_above_them() -> None:
    late = "payments.payment.flagged.v1"
    receive_all(of_outbox(0), of_outbox(1, type=late), of_outbox(2))
    prune()
    seen: list[str] = []
    with temporary_handlers():
        declare(late, seen)
        InboxOffset.objects.update(next_offset=0)
        replayed = receive_all(of_outbox(0), of_outbox(1, type=late), of_outbox(2))
    assert replayed == {Outcome.APPLIED: 1, Outcome.DUPLICATE: 2}
    assert seen == ["event-1"]


def test_the_horizon_of_a_partition_a_topic_a_source_or_a_consumer_is_no_others(settings: Settings) -> None:
    settings.INBOX = settings.INBOX | {"OUTBOXES": {SOURCE: [TOPIC, "billing.invoice"], "/other": [TOPIC]}}
    receive_all(of_outbox(0))
    prune()
    for change in ({"partition": 1}, {"topic": "billing.invoice"}, {"consumer": "x"}, {"source": "/x"}):
        InboxHorizon.objects.update(consumer="billing", source=SOURCE, topic=TOPIC, partition=0)
        InboxHorizon.objects.update(**change)
        InboxEvent.objects.all().delete()
        undo_effects()
        assert receive_all(of_outbox(1, 0)) == {Outcome.APPLIED: 1}, change


@pytest.mark.parametrize("changes", [{"source": "/foreign"}, {"sequence": None}], ids=["foreign", "no sequence"])
def test_without_a_sequence_that_counts_the_retention_is_the_limit(changes: dict[str, Any]) -> None:
    receive_all(of_outbox(0, **changes))
    assert receive_all(of_outbox(1, 0, **changes)) == {Outcome.DUPLICATE: 1}
    prune()
    assert not InboxHorizon.objects.exists()
    undo_effects()
    assert receive_all(of_outbox(2, 0, **changes)) == {Outcome.APPLIED: 1}


@pytest.mark.parametrize(
    "malformed",
    ["", "zzz", "~", "9" * 60, sequence(5) + "0", sequence(5)[:-1], sequence(5) + "\n", "-" * 39, "\uff11" * 39],
    ids=["empty", "letters", "tilde", "digits", "long", "short", "newline", "hyphens", "other digits"],
)
def test_a_malformed_sequence_neither_raises_the_horizon_nor_is_compared_with_it(malformed: str) -> None:
    receive_all(of_outbox(0, 0), of_outbox(1, 9), of_outbox(2, 100, sequence=malformed))
    prune()
    assert InboxHorizon.objects.values_list("lowest", "highest").get() == (sequence(0), sequence(9))
    assert receive_all(of_outbox(3, 200, sequence=malformed), of_outbox(4, 10)) == {Outcome.APPLIED: 2}


def test_a_mirrored_topic_has_no_horizon(settings: Settings) -> None:
    settings.INBOX = settings.INBOX | {"OUTBOXES": {SOURCE: ["billing.invoice"]}}
    receive_all(of_outbox(0))
    prune()
    assert not InboxHorizon.objects.exists()


def test_the_database_refuses_a_horizon_that_is_no_sequence() -> None:
    place = {"consumer": "billing", "source": SOURCE, "topic": TOPIC, "partition": 0, "event_type": "t", "offset": 0}
    with pytest.raises(IntegrityError, match="inbox_horizon_is_a_sequence"):
        InboxHorizon.objects.create(**place, lowest=sequence(1), highest="zzz")
    with pytest.raises(IntegrityError, match="inbox_horizon_is_a_span"):
        InboxHorizon.objects.create(**place, lowest=sequence(2), highest=sequence(1))


def test_a_type_too_long_for_the_horizon_is_pruned_and_stops_nobody() -> None:
    long = "payments.payment.captured.v" + "1" * 2_000
    park(of_outbox(0, type=long))
    resolve()
    receive_all(of_outbox(1))
    assert prune().ids == 2
    assert InboxHorizon.objects.get().event_type != long


def test_ids_of_unresolved_parked_events_stay_and_what_queues_behind_them_too() -> None:
    park(of_outbox(0, key="blocked"))
    receive_all(of_outbox(1, key="blocked"), of_outbox(2, key="free"))
    assert prune() == Pruning(ids=1, kept=2, unreadable=0)
    assert set(InboxEvent.objects.values_list("event_id", flat=True)) == {"event-0", "event-1"}
    before = counts()
    again = receive_all(of_outbox(3, 0, key="blocked"), of_outbox(4, 1, key="blocked"), of_outbox(5, 2, key="free"))
    assert again == {Outcome.DUPLICATE: 3}
    assert counts() == before


def test_a_parked_event_below_the_horizon_is_still_known_by_its_content() -> None:
    park(of_outbox(0))
    receive_all(of_outbox(1))
    prune()
    other = record_at(2, captured(reference="other"), source=SOURCE, id="event-0", sequence=sequence(0))
    assert receive_all(other) == {Outcome.PARKED: 1}
    assert ParkedEvent.objects.get(reason="quarantined").event_id == "event-0"


def test_a_resolved_parked_event_goes_with_its_id_once_it_was_resolved_long_enough_ago() -> None:
    park(of_outbox(0))
    age(40)
    resolve()
    assert prune(RETENTION_DAYS=30) == Pruning(ids=0, kept=1, unreadable=0)
    age(31)
    assert prune(RETENTION_DAYS=30).ids == 1
    assert not ParkedEvent.objects.exists()
    assert receive_all(of_outbox(1, 0)) == {Outcome.DUPLICATE: 1}


def test_what_was_discarded_stays_or_nobody_could_tell_that_it_had_no_effect() -> None:
    unreadable = read_record(topic=TOPIC, partition=0, offset=1, key=None, value=None, headers=[])
    park(of_outbox(0))
    receive_all(unreadable, of_outbox(2))
    age(40)
    ParkedEvent.objects.update(
        resolved_at=timezone.now() - timedelta(days=40), resolution="discarded", resolved_by="p", discard_reason="r"
    )
    assert prune(RETENTION_DAYS=30) == Pruning(ids=1, kept=1, unreadable=0)
    assert ParkedEvent.objects.count() == 2


def test_other_contents_under_a_pruned_id_are_duplicates_and_stay_as_long_as_one_of_them_is_unresolved() -> None:
    contents = [
        record_at(n, captured(reference=str(n)), source=SOURCE, id="same", sequence=sequence(0)) for n in range(3)
    ]
    receive_all(*contents)
    ParkedEvent.objects.filter(offset=1).update(resolved_at=timezone.now(), resolution="duplicate")
    assert prune().ids == 0
    again = [record._replace(offset=3 + n) for n, record in enumerate(contents)]
    assert receive_all(*again) == {Outcome.DUPLICATE: 3}
    resolve()
    assert prune().ids == 1
    assert not ParkedEvent.objects.exists()
    once_more = [record._replace(offset=6 + n) for n, record in enumerate(contents)]
    assert receive_all(*once_more) == {Outcome.DUPLICATE: 3}
    assert references() == {"0"}


def test_unreadable_records_go_when_they_were_resolved_long_enough_ago() -> None:
    unreadable = read_record(topic=TOPIC, partition=0, offset=0, key=None, value=None, headers=[])
    receive_all(unreadable)
    assert prune().unreadable == 0
    resolve()
    assert prune(RETENTION_DAYS=1).unreadable == 0
    assert prune() == Pruning(ids=0, kept=0, unreadable=1)


def test_what_is_younger_than_the_retention_stays() -> None:
    receive_all(of_outbox(0))
    age(31)
    receive_all(of_outbox(1))
    age(29)
    assert prune(RETENTION_DAYS=30) == Pruning(ids=1, kept=0, unreadable=0)
    assert InboxEvent.objects.get().event_id == "event-1"


def test_a_partition_without_an_offset_to_lock_is_left_alone() -> None:
    receive_all(of_outbox(0))
    InboxOffset.objects.all().delete()
    assert prune() == Pruning(ids=0, kept=1, unreadable=0)


def test_a_chunk_is_bounded_and_the_next_one_goes_on_behind_what_was_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "_ROWS_AT_ONCE", 10)
    for number in range(12):
        park(of_outbox(number, key="k"))
    receive_all(*(of_outbox(12 + number) for number in range(25)))
    with CaptureQueriesContext(connection) as queries:
        assert prune() == Pruning(ids=25, kept=12, unreadable=0)
    looks = [each["sql"] for each in queries if "array_agg" in each["sql"]]
    assert len(looks) == 5, "37 rows in chunks of ten, and one that is empty"


def test_a_thousand_ids_cost_less_than_ten_statements() -> None:
    receive_all(*(of_outbox(number) for number in range(2_000)))
    with CaptureQueriesContext(connection) as queries:
        assert prune().ids == 2_000
    assert len(queries) < 20, [each["sql"][:60] for each in queries]


def test_no_row_is_updated_but_the_horizons() -> None:
    for number in range(3):
        receive_all(*(of_outbox(10 * number + n) for n in range(10)))
        prune()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(
            "SELECT relname, n_tup_upd, n_tup_hot_upd, n_tup_del FROM pg_stat_user_tables"
            " WHERE relname IN ('inbox_inboxevent', 'inbox_parked', 'inbox_horizon') ORDER BY relname"
        )
        assert cursor.fetchall() == [
            ("inbox_horizon", 2, 2, 0), ("inbox_inboxevent", 0, 0, 30), ("inbox_parked", 0, 0, 0),
        ]  # fmt: skip


def test_the_task_prunes_and_the_command_says_what_went_and_a_dry_run_changes_nothing() -> None:
    park(of_outbox(0))
    receive_all(of_outbox(1), of_outbox(2))
    with connection.cursor() as cursor:  # a dry run takes no lock that it would have to wait for
        cursor.execute("SET lock_timeout TO '1ms'")
    kept = "kept 1 old ones: parked, or their consumer has not passed them again\n"
    assert run("--dry-run") == "would delete 2 received events\n" + kept
    assert InboxEvent.objects.count() == 3
    assert run() == "deleted 2 received events\n" + kept
    receive_all(of_outbox(3))
    tasks.prune_inbox()
    assert InboxEvent.objects.get().event_id == "event-0"


@pytest.mark.parametrize("service", ["payments", "billing"])
def test_beat_prunes_in_both_services(service: str) -> None:
    schedule = importlib.import_module(f"services.settings.{service}").CELERY_BEAT_SCHEDULE
    assert tasks.prune_inbox.name in [entry["task"] for entry in schedule.values()]
    assert tasks.prune_inbox.name in current_app.tasks


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("prune_inbox", *arguments, stdout=out)
    return out.getvalue()
