"""explain_lag's part about consumers: who reads what, and what holds an event back."""

import re
from contextlib import closing
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import override_settings

from inbox.models import Heartbeat, InboxOffset
from tests.consumer_process import QUICK
from tests.integration.test_inbox_metrics import tell
from tests.records import TOPIC
from tests.relay_process import Start, until
from tests.topics import Topics

pytestmark = pytest.mark.kafka


def explain(*, older_than: float = 0.5) -> tuple[str, str]:
    """The inbox's part, and what it names as holding events back."""
    output = StringIO()
    with override_settings(INBOX=settings.INBOX | QUICK | {"STUCK_SECONDS": 60.0, "BEHIND_SECONDS": 60.0}):
        call_command("explain_lag", older_than=older_than, stdout=output)
    part = output.getvalue().partition("INBOX  ")[2]
    return part, part.partition("What holds events back\n")[2]


def until_it_names(text: str) -> str:
    until(lambda: text in explain()[1], what=lambda: explain()[0])
    return explain()[1]


def test_both_apps_have_a_part_the_outbox_first(log: None) -> None:
    output = StringIO()
    call_command("explain_lag", stdout=output)
    assert re.findall(r"^(\w+)  RED  dead: no (\w+) runs", output.getvalue(), re.MULTILINE) == [
        ("OUTBOX", "relay"), ("INBOX", "consumer"),
    ]  # fmt: skip
    assert "no consumer beats: start manage.py consume_inbox" in output.getvalue()


def test_an_idle_consumer_reads_every_partition_and_nothing_holds_back(consume: Start) -> None:
    consume()
    until(lambda: explain()[0].startswith("GREEN  1 consumer(s) beat and read 12 "), what=lambda: explain()[0])
    part, reasons = explain()
    [beat] = Heartbeat.objects.all()
    assert len(re.findall(rf"^  [\w.]+/\d  +\d+  +{re.escape(beat.owner)}  0$", part, re.MULTILINE)) == 12
    assert reasons == "  nothing that can be seen from here\n"


def test_a_batch_that_waits_for_a_lock_names_who_has_it(consume: Start, topics: Topics) -> None:
    consume()
    with closing(connection.copy()) as other, other.cursor() as cursor:
        cursor.execute("SET application_name = 'nightly report'")
        cursor.execute("BEGIN")
        cursor.execute("SELECT pg_advisory_xact_lock(1), pg_backend_pid()")
        pid = cursor.fetchone()[1]
        tell(topics, waits_for_lock=True)
        reasons = until_it_names("nightly report")
        assert re.search(rf" has 1 records from {TOPIC}/\d offset \d+ on in hand for \d", reasons)
        assert f"waits for a lock of pid {pid} (nightly report, idle in transaction),\n    whose transaction" in reasons
        assert f"SELECT pg_terminate_backend({pid})" in reasons
        cursor.execute("ROLLBACK")
    until_it_names("nothing that can be seen from here")


def test_a_handler_that_is_busy_elsewhere_is_told_from_one_that_waits_for_the_database(
    consume: Start, topics: Topics
) -> None:
    consume()
    tell(topics, sleeps=4.0)
    reasons = until_it_names("it is busy elsewhere")
    assert re.search(r"its session \(pid \d+\) waits for the handler since \d", reasons)
    assert "in hand" not in explain(older_than=60)[1]


def test_parked_events_the_last_problem_and_partitions_that_nobody_reads_are_reasons(
    consume: Start, topics: Topics
) -> None:
    consume()
    tell(topics, key="bad", fails=True)
    until_it_names("parked: 1 events of 1 keys need a person: manage.py redrive_inbox --dry-run")
    InboxOffset.objects.create(consumer="tests", topic=TOPIC, partition=77, next_offset=0)
    until_it_names(f"nobody reads {TOPIC}/77: ")
    Heartbeat.objects.create(
        owner="host:1", consumer="tests", beat_at=Heartbeat.objects.get().beat_at, problem="no broker",
        turned_at=Heartbeat.objects.get().turned_at, partitions={}, in_hand="", lag_seconds=0,
    )  # fmt: skip
    assert re.search(r"last problem of host:1, \d\.\d s ago: no broker", explain()[1])
