"""Metrics of real consumer processes, scraped over HTTP; their heartbeats; and what they write into their log."""

import json
import re
import signal
from pathlib import Path

import httpx
import pytest
from django.db import connection
from prometheus_client.parser import text_string_to_metric_families

from billing.models import Invoice
from inbox import metrics
from inbox.models import Heartbeat, ParkedEvent
from outbox.envelope import encode
from outbox.relay import Relay
from stack.network import free_port
from tests.consumer_process import TOLD
from tests.purchases import capture, drain
from tests.records import TOPIC, event
from tests.relay_process import ROOT, Start, until
from tests.topics import Topics

pytestmark = pytest.mark.kafka


def tell(topics: Topics, *, key: str = "k", **told: object) -> str:
    """Write an event that says what its handler does; return its id."""
    written = event(json.dumps(told).encode(), key=key, type=TOLD)
    topics.write(TOPIC, written.data, key=key.encode(), headers=encode(written))
    return written.id


def scrape(port: int) -> dict[str, float]:
    """Every sample of ours, summed over its labels, while the process answers; nothing before."""
    try:
        text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text
    except httpx.TransportError:
        return {}
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0) + sample.value
    return found


def until_scraped(port: int, **expected: float) -> dict[str, float]:
    until(lambda: expected.items() <= scrape(port).items(), what=lambda: scrape(port))
    return scrape(port)


def test_the_document_lists_exactly_the_metrics_of_the_code() -> None:
    text = (ROOT / "docs" / "metrics.md").read_text()
    rows = re.findall(r"^\| `(inbox_\w+)` \| (\w+) \| (.+) \|$", text, re.MULTILINE)
    assert rows == [tuple(metric) for metric in metrics.METRICS]


def test_a_consumer_serves_every_metric(consume: Start, topics: Topics) -> None:
    port = free_port()
    consume(METRICS_PORT=port)
    until_scraped(port, inbox_partitions=12, inbox_consumer_lag_messages=0, inbox_lag_seconds=0)
    twice = event(b"{}", key="twice", type=TOLD)
    for _ in range(2):
        topics.write(TOPIC, b"{}", key=b"twice", headers=encode(twice))
    unknown = event(b"{}", key="other", type="tests.nobody.cares.v1")
    topics.write(TOPIC, b"{}", key=b"other", headers=encode(unknown))
    tell(topics, key="bad", fails=True)
    seen = until_scraped(
        port, inbox_applied_total=1, inbox_duplicates_total=1, inbox_ignored_total=1, inbox_parked_total=1,
        inbox_parked_waiting=1, inbox_consumers=1, inbox_consumer_lag_messages=0, inbox_lag_seconds=0,
    )  # fmt: skip
    assert 1 <= seen["inbox_batch_seconds_count"] <= 4
    assert seen["process_resident_memory_bytes"] > 0
    named = {metric.name for metric in metrics.METRICS} - {"inbox_consumer_restarts_total", "inbox_batch_seconds"}
    assert {name for name in seen if re.match(r"inbox_(?!batch_seconds)\w+(?<!_created)$", name)} == named


def test_lag_counts_what_waits_in_messages_and_in_seconds_while_a_handler_runs(consume: Start, topics: Topics) -> None:
    port = free_port()
    consume(METRICS_PORT=port, BATCH_SIZE=1)
    until_scraped(port, inbox_partitions=12, inbox_consumer_lag_messages=0)
    for seconds in (3.0, 0.0, 0.0):
        tell(topics, sleeps=seconds)
    until(lambda: scrape(port)["inbox_batch_in_hand_seconds"] > 1, what=lambda: scrape(port))
    seen = scrape(port)
    assert 1 <= seen["inbox_consumer_lag_messages"] <= 3
    assert 1 < seen["inbox_batch_in_hand_seconds"] <= seen["inbox_lag_seconds"] < 20
    until_scraped(port, inbox_applied_total=3, inbox_consumer_lag_messages=0, inbox_lag_seconds=0)
    assert scrape(port)["inbox_batch_in_hand_seconds"] == 0


def test_no_lag_is_left_when_a_record_and_the_end_behind_it_are_read_at_once(consume: Start, topics: Topics) -> None:
    port = free_port()
    consume(METRICS_PORT=port)
    until_scraped(port, inbox_partitions=12, inbox_consumer_lag_messages=0)
    tell(topics, sleeps=3.0)
    until(lambda: scrape(port)["inbox_batch_in_hand_seconds"] > 0, what=lambda: scrape(port))
    tell(topics)
    until_scraped(port, inbox_applied_total=2, inbox_consumer_lag_messages=0, inbox_lag_seconds=0)


@pytest.mark.parametrize("group_protocol", ["consumer", "classic"])
def test_control_records_are_no_lag(group_protocol: str, consume: Start, topics: Topics) -> None:
    """A Kafka transaction's last offset is its marker: an idle consumer is at the end all the same."""
    port = free_port()
    consume(METRICS_PORT=port, GROUP_PROTOCOL=group_protocol)
    until_scraped(port, inbox_partitions=12, inbox_consumer_lag_messages=0)
    written = event(b"{}", key="k", type=TOLD)
    topics.write_in_transaction(TOPIC, b"{}", key=b"k", headers=encode(written))
    until_scraped(port, inbox_applied_total=1, inbox_consumer_lag_messages=0, inbox_lag_seconds=0)
    assert topics.read()[-1].offset + 1 < topics.read_ends()[TOPIC, topics.read()[-1].partition]


def test_the_heartbeat_is_written_while_a_handler_runs_and_says_what_is_in_hand(consume: Start, topics: Topics) -> None:
    consume()
    until(lambda: Heartbeat.objects.filter(partitions__has_key=f"{TOPIC}/0", in_hand="").exists())
    tell(topics, sleeps=4.0)
    until(lambda: Heartbeat.objects.exclude(in_hand="").exists())
    first = Heartbeat.objects.get()
    assert re.fullmatch(rf"1 records from {TOPIC}/\d offset \d+ on", first.in_hand)
    until(lambda: (Heartbeat.objects.get().beat_at - first.beat_at).total_seconds() > 2)
    later = Heartbeat.objects.get()
    assert (later.in_hand, later.session) == (first.in_hand, first.session)
    assert abs((later.turned_at - first.turned_at).total_seconds()) < 0.5
    assert later.lag_seconds > 2
    with connection.cursor() as cursor:
        cursor.execute("SELECT state FROM pg_stat_activity WHERE pid = %s", [later.session])
        assert cursor.fetchone() == ("idle in transaction",)
    until(lambda: Heartbeat.objects.get().in_hand == "")


def test_a_consumer_that_ends_in_order_removes_its_row_and_a_killed_one_does_not(consume: Start) -> None:
    first, second = consume(), consume()
    until(lambda: Heartbeat.objects.count() == 2, what=lambda: Heartbeat.objects.values())
    assert first.end() == 0
    assert Heartbeat.objects.count() == 1
    second.end(signal.SIGKILL)
    assert Heartbeat.objects.count() == 1


def test_the_log_has_a_line_a_batch_and_a_line_about_the_time_since_the_last_one(
    consume: Start, topics: Topics
) -> None:
    consumer = consume(REPORT_SECONDS=0.5)
    tell(topics)
    until(lambda: reports(consumer.log, applied=1), what=consumer.log.read_text)
    batch = next(line for line in consumer.log.read_text().splitlines() if "events received" in line)
    pattern = r"level=debug .*consumer=tests applied=1 duplicate=0 ignored=0 parked=0 seconds=0\.\d+"
    assert re.search(pattern, batch)
    [report] = reports(consumer.log, applied=1)
    assert re.search(r"level=info .*partitions=\d+ .*lag_seconds=[\d.]+ waiting=0", report)
    later = len(reports(consumer.log, applied=0))
    until(lambda: len(reports(consumer.log, applied=0)) >= later + 2)
    assert len(reports(consumer.log, applied=1)) == 1, "a report counts from the last one"


def reports(log: Path, *, applied: int) -> list[str]:
    return [line for line in log.read_text().splitlines() if "consumer runs" in line and f"applied={applied} " in line]


def test_a_consumer_that_starts_over_says_why(consume: Start, topics: Topics) -> None:
    port = free_port()
    consumer = consume(METRICS_PORT=port)
    until(lambda: Heartbeat.objects.filter(session__isnull=False).exists(), what=consumer.log.read_text)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(session) FROM inbox_heartbeat")
    tell(topics)
    until_scraped(port, inbox_applied_total=1, inbox_consumer_restarts_total=1)
    line = next(line for line in consumer.log.read_text().splitlines() if "consumer starts over" in line)
    assert re.search(r"level=warning .*terminating connection .*kind=(OperationalError|AdminShutdown)", line), line


def test_the_parked_events_of_other_consumers_and_resolved_ones_are_not_counted(
    consume: Start, relay: Relay, topics: Topics
) -> None:
    port = free_port()
    consume(METRICS_PORT=port)
    tell(topics, key="bad", fails=True)
    until_scraped(port, inbox_parked_waiting=1)
    ParkedEvent.objects.update(consumer="another")
    until_scraped(port, inbox_parked_waiting=0)
    capture()
    drain(relay)
    until_scraped(port, inbox_ignored_total=2)
    assert not Invoice.objects.exists()
