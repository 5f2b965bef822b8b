"""The auditor finds every kind of difference between the log and the topics, and nothing where there is none."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from io import StringIO

import psycopg
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from django.core.management import CommandError, call_command
from django.db import connection

from outbox.audit import Audit
from outbox.audit_report import Report
from outbox.audited_pages import find_row
from outbox.conf import OutboxSettings
from outbox.delivery import OffsetRanges
from outbox.exceptions import WindowNotFoundError
from outbox.maintenance import make_table_partitions, prune_log
from outbox.models import OutboxEvent
from outbox.page import Record, to_records
from outbox.publisher import KafkaPublisher, Progress
from outbox.relay import Relay
from outbox.topic_reader import TopicReader
from tests.faults.killing import kill_at
from tests.purchases import capture, drain
from tests.storage import RECORD, ask, record, small_settings
from tests.topics import Topics

pytestmark = pytest.mark.kafka


class BuggyPublisher(KafkaPublisher):
    """Publishes what the bug makes of each page."""

    def __init__(self, bug: Callable[[Sequence[Record]], Sequence[Record]], settings: OutboxSettings) -> None:
        super().__init__(bootstrap_servers=settings.bootstrap_servers, topics=settings.topics)
        self.bug = bug

    def publish(self, page: Iterable[Record], *, progress: Progress, while_waiting: Callable[[], None]) -> OffsetRanges:
        return super().publish(self.bug(list(page)), progress=progress, while_waiting=while_waiting)


PAGE_SIZE = 7  # of relays in tests: tests/conftest.py, tests/faults/victim.py
Plant = Callable[[Callable[[Sequence[Record]], Sequence[Record]]], None]


@pytest.fixture
def plant(topics: Topics, outbox_settings: OutboxSettings) -> Plant:
    """Publish with a bug in the publisher."""

    def run(bug: Callable[[Sequence[Record]], Sequence[Record]]) -> None:
        publisher = BuggyPublisher(bug, outbox_settings)
        relay = Relay(publisher=publisher, settings=outbox_settings)
        drain(relay)
        relay._step_down()

    return run


@pytest.fixture
def audit(kafka: str, outbox_settings: OutboxSettings) -> Iterator[Callable[..., Report]]:
    reader = TopicReader(kafka)
    yield lambda *windows: Audit(reader=reader, settings=outbox_settings).run(*windows)
    reader.close()


Auditor = Callable[..., Report]


def test_all_is_well_over_pages_windows_and_a_late_transaction(relay: Relay, topics: Topics, audit: Auditor) -> None:
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": psycopg.Cursor}) as late:
        late.execute(RECORD, [9])
        for number in range(10):
            capture(number)
        assert drain(relay) == 20
        late.commit()
    capture(10)
    assert drain(relay) == 11
    report = audit()
    assert (report.rows, report.differences) == (31, [])
    assert audit(report.last_window, report.last_window).rows == 11


def test_a_killed_relays_repetitions_are_duplicates_and_no_difference(
    relay: Relay, topics: Topics, audit: Auditor
) -> None:
    record(20)  # of one key: all in one partition
    kill_at("R12", "relay")
    while relay._lease is None:
        relay.run_once()
    drain(relay)
    report = audit()
    assert (report.rows, report.differences, report.duplicates) == (20, [], PAGE_SIZE)


def test_a_row_that_was_never_published_is_a_hole(plant: Plant, audit: Auditor) -> None:
    capture()
    plant(lambda page: page[1:])
    position = OutboxEvent.objects.earliest("position").position
    (hole,) = audit().differences
    assert hole.startswith(f"hole: position {position} (")


def test_rows_after_the_page_that_closed_their_window_are_holes(relay: Relay, topics: Topics, audit: Auditor) -> None:
    for number in range(5):
        capture(number)
    assert relay.run_once() == 7
    ask("UPDATE outbox_progress SET is_complete = true RETURNING 1")
    relay._step_down()
    relay._lease = None
    assert drain(relay) == 0
    assert [each[:4] for each in audit().differences] == ["hole"] * 3


def test_offsets_that_hold_something_else_are_holes_even_beyond_the_topics_end(
    relay: Relay, topics: Topics, audit: Auditor
) -> None:
    capture()
    drain(relay)
    shifted = (
        "UPDATE outbox_progress SET offsets = (SELECT jsonb_build_object(t.key, jsonb_build_object(p.key,"
        " jsonb_build_array((p.value->>0)::int + 10, (p.value->>1)::int + 10)))"
        " FROM jsonb_each(offsets) t, jsonb_each(t.value) p) WHERE count > 0 RETURNING 1"
    )
    ask(shifted)
    assert [each[:4] for each in audit().differences] == ["hole"] * 2


def test_a_row_before_the_offsets_of_its_page_is_a_hole(relay: Relay, topics: Topics, audit: Auditor) -> None:
    record(14)  # of one key: two pages of one partition
    drain(relay)
    ask(
        "UPDATE outbox_progress SET offsets = replace(offsets::text, ': [' || first.o, ': [' || first.o + 1)::jsonb"
        " FROM (SELECT jsonb_path_query_first(offsets, '$.*.*[0]')::int AS o FROM outbox_progress WHERE page = 1)"
        " AS first WHERE page = 1 RETURNING 1"
    )
    (hole,) = audit().differences
    assert hole.startswith("hole: ")
    assert "page 1" in hole


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"ce_id": "01939c00-0000-7000-8000-000000000001", "ce_source": "/doorstep/payments"},
        {"ce_id": "\x1b[31m", "ce_source": "/doorstep/payments", "ce_sequence": "1"},
    ],
)
def test_a_record_without_a_row_is_an_extra(
    headers: dict[str, str], relay: Relay, topics: Topics, audit: Auditor
) -> None:
    capture()
    drain(relay)
    topics.write("payments.payment", b"{}", key=OutboxEvent.objects.earliest("position").partition_key.encode(),
                 headers=headers)  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(RECORD.replace("'k', '{}'", "(SELECT min(partition_key) FROM outbox_event), '{}'"), [1])
    assert drain(relay) == 1
    (extra,) = audit().differences
    assert extra.startswith("extra: payments.payment[")
    assert "\x1b" not in extra


def test_an_id_of_another_source_is_an_extra_too(relay: Relay, topics: Topics, audit: Auditor) -> None:
    capture()
    drain(relay)
    (first, _) = topics.read()
    topics.write(first.topic, first.value, key=first.key, headers=first.headers | {"ce_source": "/other"})
    with connection.cursor() as cursor:
        cursor.execute(RECORD.replace("'k', '{}'", "(SELECT min(partition_key) FROM outbox_event), '{}'"), [1])
    drain(relay)
    (extra,) = audit().differences
    assert "/other" in extra


def test_first_occurrences_that_do_not_rise_are_told(plant: Plant, audit: Auditor) -> None:
    capture()
    plant(lambda page: page[::-1])
    position = OutboxEvent.objects.earliest("position").position
    (order,) = audit().differences
    assert order.startswith("order: payments.payment[")
    assert f"position {position}," in order


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        ({"value": b"{}"}, "value"),
        ({"headers": [("ce_id", b"")]}, "extra"),
        ({"topic": "billing.invoice"}, "topic"),
    ],
)
def test_bytes_that_are_not_the_rows_are_told(
    changed: dict[str, object], difference: str, plant: Plant, audit: Auditor
) -> None:
    capture()
    plant(lambda page: [page[0]._replace(**changed), *page[1:]])  # type: ignore[arg-type]
    differences = audit().differences
    assert differences
    assert any(difference in each for each in differences)


def test_a_header_and_a_key_that_are_not_the_rows_are_told(plant: Plant, audit: Auditor) -> None:
    capture()
    plant(lambda page: [each._replace(headers=[*each.headers, ("x", b"")]) for each in page])
    assert [each.partition(", differs in ")[2] for each in audit().differences] == ["headers"] * 2
    window = audit().last_window
    capture(1)
    plant(lambda page: [each._replace(key=each.key + b"!") for each in page])
    assert {each.partition(", differs in ")[2] for each in audit(window + 1).differences} == {"key"}


def test_parked_rows_are_parked_and_not_holes(plant: Plant, audit: Auditor) -> None:
    capture()
    plant(lambda page: page[1:])
    ask(
        "INSERT INTO outbox_parked (position, topic, partition_key, generation, window_id, reason, problem)"
        " SELECT min(position), 'payments.payment', 'k', 1, (SELECT max(window_id) FROM outbox_window), 'refused', ''"
        " FROM outbox_event RETURNING 1"
    )
    report = audit()
    assert (report.rows, report.parked, report.differences) == (1, 1, [])


def test_an_explicit_window_had_to_publish_exactly_the_positions_that_it_names(
    plant: Plant, topics: Topics, kafka: str, audit: Auditor, outbox_settings: OutboxSettings
) -> None:
    capture()
    plant(lambda page: page[1:])  # the first one stays away, and is published by the explicit window
    event = OutboxEvent.objects.earliest("position")
    window = add_explicit_window(event.position)
    row = find_row(str(event.event_id), event.source)
    assert row is not None
    publisher = KafkaPublisher(bootstrap_servers=kafka, topics=outbox_settings.topics)
    records = to_records([row], generation=1, window_id=window)
    add_progress(
        window,
        event.position,
        publisher.publish(records, progress=Progress(1, window, 0, 0), while_waiting=lambda: None),
    )
    publisher.close()
    report = audit(window)
    assert (report.rows, report.differences) == (1, [])
    window = add_explicit_window(event.position)
    add_progress(window, event.position, {})
    assert [each[:4] for each in audit(window).differences] == ["hole"]


def add_explicit_window(position: int) -> int:
    statement = (
        "INSERT INTO outbox_window (generation, window_id, epoch, base_snapshot, snapshot, positions)"
        " SELECT generation, window_id + 1, epoch, snapshot, snapshot, ARRAY[%s] FROM outbox_window"
        " ORDER BY window_id DESC LIMIT 1 RETURNING window_id"
    )
    return int(str(ask(statement, [position])[0][0]))


def add_progress(window: int, position: int, offsets: OffsetRanges) -> None:
    statement = (
        "INSERT INTO outbox_progress (generation, window_id, page, position, first_position, count, is_complete,"
        " offsets) VALUES (1, %s, 0, %s, %s, 1, true, %s) RETURNING 1"
    )
    ask(statement, [window, position, position, json.dumps(offsets)])


def test_rows_that_were_pruned_and_records_that_expired_are_said_and_no_difference(
    small_log: None, topics: Topics, kafka: str, audit: Auditor
) -> None:
    settings = small_settings()
    publisher = KafkaPublisher(bootstrap_servers=kafka, topics=settings.topics)
    relay = Relay(publisher=publisher, settings=settings)
    make_table_partitions(settings)
    record(8)
    drain(relay)
    record(6)
    drain(relay)
    assert prune_log(settings).dropped == ["outbox_event_p0"]
    report = audit()
    assert (report.first_window, report.rows, report.pruned, report.differences) == (2, 4, 2, [])
    with pytest.raises(WindowNotFoundError, match="window 1 was pruned: the oldest that is kept is 2"):
        audit(1)
    end = max(topics.read_ends().items(), key=lambda each: each[1] - topics.ends[each[0]])
    admin = AdminClient({"bootstrap.servers": kafka})
    (future,) = admin.delete_records([TopicPartition(*end[0], end[1] - 2)]).values()
    future.result()
    report = audit()
    assert (report.rows, report.expired, report.differences) == (2, 2, [])
    publisher.close()


def test_the_command_lists_differences_and_fails_and_is_one_line_when_all_is_well(plant: Plant, topics: Topics) -> None:
    capture()
    plant(lambda page: page)
    assert run().count("\n") == 1
    capture(1)
    plant(lambda page: page[1:])
    with pytest.raises(CommandError, match="1 differences") as failed:
        run()
    assert failed.value.returncode == 1
    with pytest.raises(CommandError, match="windows 999999 to"):
        run("--from-window", "999999")


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("audit_outbox", *arguments, stdout=out)
    return out.getvalue()
