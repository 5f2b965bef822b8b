"""What pruning costs does not depend on what lies there, nor on whether the tables were ever analysed."""

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from inbox import pruning, sql
from inbox.conf import inbox_settings
from inbox.models import InboxOffset
from inbox.pruning import Pruning
from tests.outbox_records import RETENTION, SOURCE, prune
from tests.records import TOPIC
from tests.storage import ask

EVENTS, PARKED = 12_000, 3_000
FILL = """
INSERT INTO inbox_inboxevent (consumer, source, event_id, event_type, partition_key, sequence, topic, partition,
                              "offset", digest, data, headers, received_at)
SELECT 'billing', %s, gen_random_uuid()::text, 'payments.payment.captured.v1', 'k' || n,
       '000001-000000000001-' || lpad(n::text, 19, '0'), %s, 0, n, '', repeat('x', 300), '[]', now() - interval '1 day'
FROM generate_series(1, %s) AS n
"""
#: The oldest ones, which every run passes first.
PARK = """
INSERT INTO inbox_parked (consumer, source, event_id, reason, problem, fingerprint, attempts, topic, partition,
                          "offset", partition_key, key, value, digest, headers, parked_at, resolution, resolved_by,
                          discard_reason)
SELECT consumer, source, event_id, 'failed', 'p', 'f', 1, topic, partition, "offset", partition_key, '', '', '', '[]',
       now(), '', '', ''
FROM inbox_inboxevent ORDER BY id LIMIT %s
"""
READ = """
SELECT relname, seq_tup_read FROM pg_stat_user_tables
WHERE relname IN ('inbox_inboxevent', 'inbox_parked') ORDER BY relname
"""


@pytest.fixture(autouse=True)
def filled(log: None, settings: Settings) -> None:
    settings.INBOX = settings.INBOX | RETENTION
    InboxOffset.objects.create(consumer="billing", topic=TOPIC, partition=0, next_offset=EVENTS + 1)
    with connection.cursor() as cursor:
        cursor.execute(FILL, [SOURCE, TOPIC, EVENTS])
        cursor.execute(PARK, [PARKED])


def tuples_read_by_sequential_scans() -> dict[object, object]:
    ask("SELECT pg_stat_force_next_flush()")
    return dict(ask(READ))  # type: ignore[arg-type]


def test_pruning_reads_no_table_from_its_beginning_to_its_end() -> None:
    before = tuples_read_by_sequential_scans()
    assert prune() == Pruning(ids=EVENTS - PARKED, kept=PARKED, unreadable=0)
    assert tuples_read_by_sequential_scans() == before


def test_a_run_of_few_chunks_gets_past_all_that_is_kept() -> None:
    """Beat's run is bounded; parked events are the oldest, and fill more than its chunks."""
    assert PARKED > pruning._ROWS_AT_ONCE
    first = pruning.prune_inbox(inbox_settings(), chunks=1)
    assert first == Pruning(ids=2 * pruning._ROWS_AT_ONCE - PARKED, kept=PARKED, unreadable=0)
    second = pruning.prune_inbox(inbox_settings(), chunks=2)
    assert second.ids == 2 * pruning._ROWS_AT_ONCE - PARKED % pruning._ROWS_AT_ONCE


def test_the_next_ids_come_from_the_primary_key_in_the_order_in_which_they_were_received() -> None:
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + sql.OLD_IDS, {"after": 5_000, "limit": 2_000, "days": 0})
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Index Scan using inbox_inboxevent_pkey" in plan
    assert "Index Cond: (id > 5000)" in plan
    assert plan.count("Scan") == 1, plan
