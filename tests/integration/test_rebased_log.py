"""A log in a new cluster has rows with ids of the old one: they cost nothing, and are nobody's when ids come round."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connection, transaction

from outbox import rebasing_sql, sql, watching_sql
from outbox.conf import OutboxSettings
from outbox.log import read_identity
from outbox.maintenance import make_table_partitions
from outbox.relay import Relay
from outbox.status import read_status
from outbox.table_partitions import read_table_partitions
from outbox.testing import MemoryPublisher
from tests.integration.test_reading import explain, scans
from tests.purchases import drain
from tests.races.writers import Writer, values
from tests.storage import AS_MIGRATED, replace_table_partitions

ROWS = 2_000
#: As a restore writes them: with ids of their own, the next ones of this cluster among them, and no trigger.
RESTORED = """
SET LOCAL session_replication_role = replica;
INSERT INTO outbox_event
    (transaction_id, event_id, source, event_type, subject, aggregate_type, aggregate_id, topic, partition_key, data)
SELECT (pg_current_xact_id()::text::bigint + n)::text::xid8, gen_random_uuid(), 's', 'payments.payment.captured.v1',
       'k', 'payment', 'k', 'payments.payment', 'k', '"old"'
FROM generate_series(1, %s) AS n;
"""


@pytest.fixture
def rebased(log: None) -> Iterator[int]:
    """Two thousand restored rows, and a rebase above them, to the next table partition: its position."""
    make_table_partitions(OutboxSettings.model_validate(settings.OUTBOX))
    position = (read_table_partitions()[1].low or 0) - 1
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(RESTORED, [ROWS])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE outbox_event")
        cursor.execute(rebasing_sql.SKIP_POSITIONS, {"position": position})
        names: dict[str, str | int] = {
            "generation": 2,
            "position": position,
            "identity": read_identity(),
            "epoch": 0,
            "offsets": "{}",
        }
        cursor.execute(rebasing_sql.REBASE, names)
    yield position
    replace_table_partitions(AS_MIGRATED)


@pytest.fixture
def relay(rebased: int) -> Relay:
    chosen = OutboxSettings.model_validate(settings.OUTBOX | {"PAGE_SIZE": 7})
    return Relay(publisher=MemoryPublisher(topics=chosen.topics), settings=chosen)


@pytest.mark.parametrize("name", ["PEEK", "OPEN", "PAGE", "STATUS", "UNPUBLISHED"])
def test_rows_whose_ids_lie_in_the_future_cost_nothing(name: str, rebased: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT snapshot::text FROM outbox_window WHERE generation = 2")
        [base] = cursor.fetchone()
    statement = {"STATUS": watching_sql.STATUS, "UNPUBLISHED": rebasing_sql.UNPUBLISHED}.get(name) or getattr(sql, name)
    plan = explain(statement, {
        "base": base, "snapshot": base, "rebase": rebased, "epoch": 0, "window_id": 99, "first": rebased + 1,
        "after": 0, "limit": 7, "most": 10_000, "from": None,
    })  # fmt: skip
    old = [node for node in scans(plan) if node["Relation Name"] == "outbox_event_p0" and node["Actual Loops"]]
    assert sum(node["Actual Rows"] + node.get("Rows Removed by Filter", 0) for node in old) == 0
    assert name == "UNPUBLISHED" or not old, "not even looked into"


def test_an_id_that_comes_round_again_brings_no_old_row_with_it(relay: Relay) -> None:
    assert relay.run_once() == 0
    late, early = Writer(), Writer()
    late.record("late", '"late"')
    early.record("early", '"early"')
    early.run("COMMIT")
    assert drain(relay) == 1
    late.run("COMMIT")
    assert drain(relay) == 1
    assert sorted(values(relay.publisher)) == ['"early"', '"late"']  # type: ignore[arg-type]
    assert read_status(connection).depth == 0
    late.close()
    early.close()
