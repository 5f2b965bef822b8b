"""Pages as they are read: the bytes of the rows, pages that follow each other, a plan that no history slows down."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import DatabaseError, connection, transaction

from outbox import log as log_of_relay
from outbox import sql
from outbox.conf import OutboxSettings
from outbox.log import Lease, State
from outbox.models import OutboxEvent
from outbox.page import Record
from outbox.reading import Page, PageReader, read_page

INSERT = """
INSERT INTO outbox_event
    (event_id, source, event_type, subject, aggregate_type, aggregate_id, topic, partition_key, data, occurred_at)
SELECT gen_random_uuid(), 's', 'payments.payment.captured.v1', 'k', 'payment', 'k', 'payments.payment', 'k', %s, %s
FROM generate_series(1, %s)
"""
LEASE = Lease(epoch=0, generation=1, rebase_position=0)


@pytest.fixture
def reader(log: None) -> Iterator[PageReader]:
    made = PageReader(settings=OutboxSettings.model_validate(django_settings.OUTBOX | {"PAGE_SIZE": 3}))
    made.start()
    yield made
    made.stop()


def insert(count: int, *, data: str = "{}", occurred_at: str = "2026-01-01 12:00:00+02") -> None:
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [data, occurred_at, count])


def snapshot() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_snapshot()::text")
        return str(cursor.fetchone()[0])


def window_since(base: str) -> State:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(position) FROM outbox_event WHERE transaction_id >= pg_snapshot_xmax(%s::pg_snapshot)", [base]
        )
        return State(7, base, snapshot(), cursor.fetchone()[0], None, page=-1, position=0, is_complete=False)


def read_all(reader: PageReader, window: State) -> list[Record]:
    found: list[Record] = []
    page = Page([], is_last=False)
    while not page.is_last:
        page = reader.read(LEASE, window)
        found += page.records
        window = window._replace(page=window.page + 1, position=found[-1].position)
    return found


def test_a_record_has_the_bytes_of_its_row(log: None) -> None:
    base, data = snapshot(), '{"name": "Zoë \\u0041", "price":  1.50}'
    insert(1, data=data)
    [record] = read_page(LEASE, window_since(base), limit=10).records
    event = OutboxEvent.objects.get()
    assert (record.topic, record.key, record.value) == ("payments.payment", b"k", data.encode())
    assert dict(record.headers)["ce_id"] == str(event.event_id).encode()
    assert dict(record.headers)["ce_sequence"] == b"000001-000000000007-%019d" % event.position


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu"])
def test_times_are_written_in_utc_with_six_digits_whatever_the_session_speaks(log: None, zone: str) -> None:
    base = snapshot()
    insert(1, occurred_at="2026-01-01 12:00:00.5+02")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('TimeZone', %s, true)", [zone])
        [record] = read_page(LEASE, window_since(base), limit=10).records
    assert dict(record.headers)["ce_time"] == b"2026-01-01T10:00:00.500000Z"


@pytest.mark.parametrize("count", [2, 3, 4, 10])
def test_pages_read_ahead_hold_every_row_of_the_window_once_and_in_order(reader: PageReader, count: int) -> None:
    base = snapshot()
    insert(count)
    window = window_since(base)
    insert(5)
    positions = [record.position for record in read_all(reader, window)]
    assert positions == list(OutboxEvent.objects.order_by("position").values_list("position", flat=True)[:count])


def test_only_the_first_page_of_a_window_is_read_by_the_one_who_publishes(reader: PageReader) -> None:
    base = snapshot()
    insert(10)
    window = window_since(base)
    statements = []

    def note(execute: Any, *arguments: Any) -> Any:
        statements.append(arguments[0])
        return execute(*arguments)

    with connection.execute_wrapper(note):
        assert len(read_all(reader, window)) == 10
    assert statements == [sql.PAGE]


def test_a_page_read_ahead_for_another_place_is_not_taken(reader: PageReader) -> None:
    base = snapshot()
    insert(9)
    window = window_since(base)
    first = reader.read(LEASE, window)
    again = reader.read(LEASE, window)
    assert again.records[:] == first.records[:], "the page was not published: it comes again"
    assert reader.read(LEASE, window._replace(position=first.records[0].position)).records[:2] == first.records[1:]


def test_a_large_page_can_be_walked_through_twice_and_asked_for_any_record(log: None) -> None:
    base = snapshot()
    insert(601)
    records = read_page(LEASE, window_since(base), limit=1_000).records
    walked = list(records)
    assert [record.position for record in walked] == list(
        OutboxEvent.objects.order_by("position").values_list("position", flat=True)
    )
    assert [records[0], records[600], records[-1]] == [walked[0], walked[600], walked[600]]
    assert list(records) == walked
    with pytest.raises(IndexError):
        records[601]


def test_a_reader_whose_connection_was_ended_says_so_and_reads_on_after_it_forgot(reader: PageReader) -> None:
    base = snapshot()
    insert(9)
    window = window_since(base)
    page = reader.read(LEASE, window)
    reader.read(LEASE, window._replace(position=page.records[-1].position))
    _end_other_sessions()
    with pytest.raises(DatabaseError):
        read_all(reader, window)
    reader.forget()
    assert len(read_all(reader, window)) == 9


def test_pages_shrink_to_what_fits_into_their_bytes(log: None) -> None:
    base = snapshot()
    insert(40, data='"' + "x" * 100_000 + '"')
    chosen = OutboxSettings.model_validate(django_settings.OUTBOX | {"PAGE_SIZE": 10, "PAGE_BYTES": 500_000})
    reader, window = PageReader(settings=chosen), window_since(base)
    first = reader.read(LEASE, window)
    assert len(first.records) == 10
    second = reader.read(LEASE, window._replace(position=first.records[-1].position))
    assert len(second.records) == 4


@pytest.fixture(params=["analysed", "not analysed"])
def window(log: None, request: pytest.FixtureRequest) -> State:
    """Three thousand rows that wait, above five thousand that do not."""
    for _ in range(200):
        insert(25)
    base = snapshot()
    insert(3_000)
    if request.param == "analysed":
        analyse()
    return window_since(base)


def test_the_page_query_starts_at_the_windows_floor_and_looks_at_none_of_the_history(window: State) -> None:
    plan = explain(sql.PAGE, {
        "base": window.base, "snapshot": window.snapshot, "first": window.first_position,
        "after": 0, "rebase": 0, "limit": 2_000,
    })  # fmt: skip
    [new] = [
        node
        for node in scans(plan)
        if f">= {window.first_position}" in node.get("Index Cond", "") and node["Actual Rows"]
    ]
    assert new["Index Name"] == "outbox_event_p0_pkey"
    assert new["Actual Rows"] == 2_000
    assert {node["Node Type"] for node in scans(plan) if node["Relation Name"] != "outbox_parked"} == {"Index Scan"}
    assert passed_over(plan) == 0


def test_the_peek_and_the_opening_of_a_window_look_at_none_of_the_history(window: State) -> None:
    peek = explain(sql.PEEK, {"base": window.snapshot, "rebase": 0})
    opening = explain(sql.OPEN, {"base": window.base, "epoch": 0, "window_id": 99, "rebase": 0})
    assert passed_over(peek) == passed_over(opening) == 0
    on_the_log = [node for node in scans(opening) if "outbox_event" in node["Relation Name"]]
    assert sum(node["Actual Rows"] for node in on_the_log) == 3_000


@pytest.fixture(params=["analysed", "analysed before", "not analysed"])
def late_window(log: None, request: pytest.FixtureRequest) -> State:
    """Two thousand rows of a transaction that was overtaken, under four thousand of others, above five thousand."""
    insert(5_000)
    with closing(connection.copy()) as overtaken:
        overtaken.set_autocommit(False)
        with overtaken.cursor() as cursor:
            cursor.execute(INSERT, ["{}", "2026-01-01 12:00:00+02", 2_000])
        insert(3_000)
        if request.param == "analysed before":
            analyse()
        base = snapshot()
        insert(1_000)
        overtaken.commit()
    if request.param == "analysed":
        analyse()
    return window_since(base)


@pytest.mark.parametrize("after", [0, 6_000])
def test_a_page_of_a_transaction_that_was_overtaken_reads_its_own_rows_alone(late_window: State, after: int) -> None:
    """Else a report of a million events, committed late, would read all of them, or all of the history, a page."""
    plan = explain(sql.PAGE, {
        "base": late_window.base, "snapshot": late_window.snapshot, "first": late_window.first_position,
        "after": after, "rebase": 0, "limit": 500,
    })  # fmt: skip
    [late] = [node for node in scans(plan) if "transaction_id" in node.get("Index Cond", "") and node["Actual Rows"]]
    assert late["Actual Rows"] == 500
    assert passed_over(plan) == 0


def analyse() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE outbox_event")


def explain(statement: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """The plan as it was executed, with the relay's session settings."""
    log_of_relay.prepare_session(lease_seconds=3)
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + statement, parameters)
        plan: dict[str, Any] = cursor.fetchone()[0][0]["Plan"]
    connection.close()
    return plan


def scans(node: dict[str, Any]) -> list[dict[str, Any]]:
    """Every node of a plan that reads a table."""
    below = [found for child in node.get("Plans", []) for found in scans(child)]
    return [node, *below] if "Relation Name" in node else below


def passed_over(plan: dict[str, Any]) -> float:
    """How many rows of the log were looked at in vain."""
    return sum(float(node.get("Rows Removed by Filter", 0)) for node in scans(plan))


def _end_other_sessions() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
