"""Metrics of real relay processes, scraped over HTTP; and what they write into their log."""

import re
import signal
import socket

import httpx
import pytest
from django.db import connection
from prometheus_client.parser import text_string_to_metric_families

from outbox import metrics
from stack.network import free_port
from tests.purchases import capture
from tests.relay_process import ROOT, Start, until
from watching.exceptions import MetricsPortError


def scrape(port: int) -> dict[str, float]:
    """Every sample of ours without its labels, while the process answers; nothing before."""
    try:
        text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text
    except httpx.TransportError:
        return {}
    families = text_string_to_metric_families(text)
    return {sample.name: sample.value for family in families for sample in family.samples}


def until_scraped(port: int, **expected: float) -> dict[str, float]:
    until(lambda: expected.items() <= scrape(port).items(), what=lambda: scrape(port))
    return scrape(port)


def test_the_document_lists_exactly_the_metrics_of_the_code() -> None:
    text = (ROOT / "docs" / "metrics.md").read_text()
    rows = re.findall(r"^\| `(outbox_\w+)` \| (\w+) \| (.+) \|$", text, re.MULTILINE)
    assert rows == [tuple(metric) for metric in metrics.METRICS]


@pytest.mark.kafka
def test_a_relay_serves_every_metric_and_a_standby_says_that_it_does_not_lead(kafka: str, start: Start) -> None:
    leading, standing_by = free_port(), free_port()
    start(METRICS_PORT=leading)
    until_scraped(leading, outbox_leader=1)
    start(METRICS_PORT=standing_by)
    for number in range(3):
        capture(number)
    seen = until_scraped(leading, outbox_published_total=6, outbox_depth=0, outbox_relays=2)
    assert seen["outbox_lag_seconds"] == 0
    assert seen["outbox_window_seconds_count"] >= 1
    assert seen["process_resident_memory_bytes"] > 0
    other = until_scraped(standing_by, outbox_leader=0, outbox_relays=2)
    assert other["outbox_published_total"] == 0
    named = {metric.name for metric in metrics.METRICS} - {"outbox_relay_restarts_total", "outbox_window_seconds"}
    assert {name for name in seen if name.startswith("outbox_")} - {"outbox_published_created"} >= named
    assert {name for name in seen if re.match("outbox_(?!window|published_created)", name)} == named


@pytest.mark.kafka
def test_lag_and_depth_rise_while_the_leader_is_dead_and_a_standby_shows_them_until_it_leads(
    kafka: str, start: Start
) -> None:
    port = free_port()
    leader = start(LEASE_SECONDS=3.0)
    until(lambda: "relay leads" in leader.log.read_text(), what=leader.log.read_text)
    start(METRICS_PORT=port, LEASE_SECONDS=3.0)
    until_scraped(port, outbox_leader=0, outbox_relays=2)
    leader.end(signal.SIGKILL)
    capture()
    seen = scrape(port)
    assert (seen["outbox_depth"], seen["outbox_leader"]) == (2, 0)
    assert seen["outbox_lag_seconds"] > 0
    until_scraped(port, outbox_leader=1, outbox_published_total=2, outbox_depth=0)


@pytest.mark.kafka
def test_a_transaction_that_holds_events_back_shows_as_held(kafka: str, start: Start) -> None:
    port = free_port()
    start(METRICS_PORT=port)
    until_scraped(port, outbox_leader=1, outbox_held_seconds=0)
    writer = connection.copy()
    with writer.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(
            "INSERT INTO outbox_event (event_id, source, event_type, subject, aggregate_type, aggregate_id, topic,"
            " partition_key, data) SELECT gen_random_uuid(), 's', 't', 'k', 'a', 'k', 'payments.payment', 'k', '{}'"
        )
    until(lambda: scrape(port)["outbox_held_seconds"] > 0.1, what=lambda: scrape(port))
    assert scrape(port)["outbox_depth"] == 0
    writer.close()
    until_scraped(port, outbox_held_seconds=0)


def test_a_relay_without_a_broker_counts_its_restarts(start: Start) -> None:
    port = free_port()
    start(METRICS_PORT=port, BOOTSTRAP_SERVERS="127.0.0.1:9")
    until_scraped(port, outbox_relay_restarts_total=1)


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(MetricsPortError, match=rf"METRICS_PORT {port}: Address already in use\. Choose another"):
            metrics.serve(host="127.0.0.1", port=port, owner="host:1", dead_seconds=30)


@pytest.mark.kafka
def test_the_log_has_a_line_a_window_and_a_line_about_the_time_since_the_last_one(kafka: str, start: Start) -> None:
    relay = start(REPORT_SECONDS=0.5)
    capture()
    until(lambda: "window published" in relay.log.read_text(), what=relay.log.read_text)
    until(lambda: 'event="relay runs"' in relay.log.read_text(), what=relay.log.read_text)
    until(lambda: "published=2 " in relay.log.read_text(), what=relay.log.read_text)
    window = next(line for line in relay.log.read_text().splitlines() if "window published" in line)
    assert re.search(r"level=debug .*window=1 rows=2 pages=1 seconds=0\.\d+", window)
    report = next(line for line in relay.log.read_text().splitlines() if "published=2 " in line)
    assert re.search(r"level=info event=\"relay runs\" leads=true published=2 windows=\d+ lag_seconds=[\d.]+", report)
    reports = relay.log.read_text().count("relay runs")
    until(lambda: relay.log.read_text().count("relay runs") >= reports + 2, what=relay.log.read_text)
    assert relay.log.read_text().count("published=2 ") == 1, "a report counts from the last one"


@pytest.mark.kafka
def test_beats_of_owners_that_are_gone_for_an_hour_are_removed(kafka: str, start: Start) -> None:
    def owners() -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT owner FROM outbox_heartbeat")
            return [owner for (owner,) in cursor.fetchall()]

    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO outbox_heartbeat (owner, beat_at, mode) VALUES"
            " ('old:1', now() - interval '61 minutes', 'idempotent'),"
            " ('new:1', now() - interval '59 minutes', 'idempotent')"
        )
    start()
    until(lambda: "old:1" not in owners(), what=owners)
    assert "new:1" in owners()
