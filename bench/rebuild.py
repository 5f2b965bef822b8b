"""The rebuild's part of the bench: a projection made anew from a full topic, beside the bare loop that reads it."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from confluent_kafka import Consumer, TopicPartition
from uuid_utils.compat import uuid7

from bench import sql
from bench.arrivals import PARTITIONS, publish
from bench.database import Database
from bench.figures import Figures
from bench.inbox_limit import consume_bare
from billing.projections import PROJECTIONS
from billing.projections.rebuilding import rebuild
from inbox.conf import InboxSettings, inbox_settings
from inbox.management.commands.consume_inbox import spare_the_collector
from inbox.source import CONSUMER
from outbox.envelope import Envelope, format_sequence

TOPIC = "bench.payment"
#: A row an event; and a hundred of events a row.
NAMES = {"Statement": "rebuild", "RevenueByDay": "rebuild_by_day"}
_FIRST = datetime(2026, 1, 1, tzinfo=UTC)
_DAYS, _CURRENCIES = 60, ("USD", "EUR", "JPY")


def run(database: Database, figures: Figures, *, runs: int, rows: int, is_full: bool) -> None:
    """A fifth of ROWS: 100,000 captured payments. Each projection from an empty live table, which it then replaces."""
    settings = inbox_settings().model_copy(update={"consumer": "billing", "topics": [TOPIC]})
    publish(TOPIC, _payments(rows // 5), bootstrap_servers=settings.bootstrap_servers)
    ends = _read_ends(settings)
    spare_the_collector()  # as the command does
    for _ in range(runs):
        _round(database, figures, settings, ends)


def _round(database: Database, figures: Figures, settings: InboxSettings, ends: list[int]) -> None:
    count = sum(ends)
    limit = consume_bare(
        TOPIC, count=count, batch_size=settings.batch_size, bootstrap_servers=settings.bootstrap_servers
    )
    figures.add("rebuild_limit_consume", limit, "events/s")
    for name, figure in NAMES.items():
        database.execute(sql.RECEIVED_BY_BILLING, {"topic": TOPIC, "ends": ends})
        database.execute("CHECKPOINT")
        started, cpu = time.perf_counter(), time.process_time()
        done = rebuild(PROJECTIONS[name], settings)
        speed, cpu = count / (time.perf_counter() - started), time.process_time() - cpu
        if done.events != count:
            raise RuntimeError(f"{name} has {done.events} of {count} events: the figures mean nothing")
        figures.add(figure, speed, "events/s")
        figures.add(f"{figure}_ratio", speed / limit, "of_limit")
        figures.add(f"{figure}_cpu", cpu / count * 1e6, "us_per_event")
        figures.add(f"{figure}_held", done.held_seconds * 1_000, "ms")


def _payments(count: int) -> Iterator[Envelope]:
    """Captured payments of 1,000 customers, with the nine headers that the relay gives them."""
    for number in range(count):
        payment, currency = str(uuid7()), _CURRENCIES[number % len(_CURRENCIES)]
        data = {
            "payment_id": payment, "customer_id": f"customer-{number % 1_000}", "reference": f"purchase-{number}",
            "amount": 1 + number % 10_000, "currency": currency, "charge_id": f"ch_{number}", "version": 2,
            "invoice_id": None, "billing_cycle": "", "attempt": 1,
        }  # fmt: skip
        at = _FIRST + timedelta(days=number % _DAYS, seconds=number % 86_400)
        yield Envelope(
            id=str(uuid7()), source="/doorstep/payments", type="payments.payment.captured.v1", subject=payment,
            data=json.dumps(data, separators=(",", ":")).encode(), partition_key=payment, time=at.isoformat(),
            sequence=format_sequence(generation=1, window_id=1, position=number),
        )  # fmt: skip


def _read_ends(settings: InboxSettings) -> list[int]:
    """Return the offset after the last record of each partition."""
    kafka = Consumer(CONSUMER | {"bootstrap.servers": settings.bootstrap_servers, "group.id": "bench-rebuild"})
    ends = [kafka.get_watermark_offsets(TopicPartition(TOPIC, number), 10)[1] for number in range(PARTITIONS)]
    kafka.close()
    return ends
