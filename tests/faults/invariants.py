"""What must hold after every crash, read from the database and the whole topic. Names as in docs/guarantees.md."""

import json
from collections import Counter, defaultdict
from datetime import UTC

from django.db import connection

from outbox.models import OutboxEvent
from tests.topics import Message, Topics


def check_publishing(topics: Topics, *, duplicates_at_most: int) -> int:
    """I1, I2, I4, I7, I8, I11, I12, I13 over all published since `topics` was made; return the duplicates seen."""
    messages, rows = topics.read(), {str(row.event_id): row for row in OutboxEvent.objects.all()}
    assert count_waiting() == 0, "I12: drained, each row by one page"
    seen = Counter(message.event_id for message in messages)
    assert seen.keys() >= rows.keys(), "I1: a committed row is on its topic at least once"
    assert seen.keys() <= rows.keys(), "I2: nothing on a topic without a committed row"
    check_order(messages)
    check_bytes(messages, rows)
    places = {(message.key, message.topic, message.partition) for message in messages}
    assert len(places) == len({(key, topic) for key, topic, _ in places}), "I13: a key stays in its partition"
    duplicates = len(messages) - len(seen)
    assert duplicates <= duplicates_at_most, f"I8: {duplicates} duplicates on the wire"
    check_log_is_append_only()
    return duplicates


def check_bytes(messages: list[Message], rows: dict[str, OutboxEvent]) -> None:
    """I7: bytes and headers on the topic equal the row, and each repetition of a record the record itself."""
    known: dict[str, dict[str, str]] = {}
    for message in messages:
        row = rows[message.event_id]
        assert (message.value, message.key) == (row.data.encode(), row.partition_key.encode()), "I7: bytes as recorded"
        assert message.headers == headers_of(row, message), "I7: headers as recorded"
        assert known.setdefault(message.event_id, message.headers) == message.headers, "I7: repeated as it was"


def headers_of(row: OutboxEvent, message: Message) -> dict[str, str]:
    """I7: what stands on the wire for a row. Only the window is taken from the record: the row does not know it."""
    window, _, _ = message.headers["ce_sequence"].rpartition("-")
    headers = {
        "ce_id": str(row.event_id),
        "ce_source": row.source,
        "ce_type": row.event_type,
        "ce_specversion": "1.0",
        "ce_time": row.occurred_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "ce_subject": row.subject,
        "ce_partitionkey": row.partition_key,
        "ce_sequence": f"{window}-{row.position:019d}",
        "content-type": "application/json",
    }
    return headers | {f"ce_{name}": value for name, value in row.headers.items()}


def check_order(messages: list[Message]) -> None:
    """I4: first occurrences of a key are in version order without a gap, and rise by ce_sequence in a partition."""
    versions, sequences, known = defaultdict(list), defaultdict(list), set()
    for message in messages:
        if message.event_id not in known:
            known.add(message.event_id)
            versions[message.key].append(json.loads(message.value or b"")["version"])
            sequences[message.topic, message.partition].append(message.headers["ce_sequence"])
    for key, found in versions.items():
        assert found == list(range(1, len(found) + 1)), f"I4: {key!r} has the versions {found}"
    for partition, rising in sequences.items():
        assert rising == sorted(rising), f"I4: ce_sequence goes back in {partition}"


def count_waiting() -> int:
    """Return how many rows of the log are neither published by a page nor parked. I12: 0, soon after the faults stop.

    Each row is published by one page, so below 0 means that one was advanced twice.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM outbox_event) - (SELECT sum(count) FROM outbox_progress)"
            " - (SELECT count(*) FROM outbox_parked WHERE resolved_at IS NULL)"
        )
        return int(cursor.fetchone()[0])


def check_log_is_append_only() -> None:
    """I11: no updates and no deletes in the log, by PostgreSQL's own counters."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(
            "SELECT sum(n_tup_upd), sum(n_tup_del) FROM pg_stat_user_tables"
            " WHERE relname LIKE 'outbox\\_event%' OR relname IN ('outbox_window', 'outbox_progress')"
        )
        assert cursor.fetchone() == (0, 0), "I11: the log has updates or deletes"
