"""The proof: what was bought, paid, charged, announced, invoiced and booked, counted on every side."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psycopg
from confluent_kafka import Consumer, TopicPartition

from demo.purchases import Summary

ROOT = Path(__file__).parent.parent
PAYMENTS = """
SELECT count(*), count(*) FILTER (WHERE status = 'captured'), count(*) FILTER (WHERE status = 'declined'),
       coalesce(sum(amount) FILTER (WHERE status = 'captured'), 0),
       count(*) FILTER (WHERE status = 'captured' AND amount = 0),
       count(*) FILTER (WHERE invoice_state = 'paid'), count(*) FILTER (WHERE invoice_state = 'void'),
       coalesce(sum(amount), 0)
FROM payments_payment
"""
INVOICES = """
SELECT count(*) FILTER (WHERE state = 'paid'), count(*) FILTER (WHERE state = 'void'),
       coalesce(sum(amount) FILTER (WHERE state = 'paid'), 0) FROM billing_invoice
"""
LEDGER = """
SELECT count(*), coalesce(sum(amount), 0), coalesce(sum(amount) FILTER (WHERE account = 'cash'), 0),
       coalesce(-sum(amount) FILTER (WHERE account = 'revenue'), 0) FROM billing_ledgerentry
"""
OUTBOX = "SELECT event_type, count(*) FROM outbox_event GROUP BY event_type"
INBOX = "SELECT count(*) FROM inbox_inboxevent WHERE topic <> ''"  # without the gateway's webhooks
PARKED = "SELECT count(*) FROM inbox_parked"
OPEN = "SELECT count(*) FROM payments_gatewaycall WHERE state IN ('pending', 'in_flight', 'unknown')"
INVOICED = "SELECT count(*) FROM payments_payment WHERE invoice_state <> ''"
#: What each consumer has handlers for.
HANDLED = {
    "billing": {"payments.payment.captured.v1", "payments.payment.declined.v1", "payments.payment.cancelled.v1"},
    "payments": {"billing.invoice.issued.v1", "billing.invoice.paid.v1", "billing.invoice.voided.v1"},
}


class Line(NamedTuple):
    """One line of the table: it holds when found is expected; expected None: shown, not judged."""

    what: str
    found: int
    expected: int | None

    @property
    def holds(self) -> bool:
        return self.expected is None or self.found == self.expected


class Wire(NamedTuple):
    """What is on a topic: records, distinct events, records by type."""

    records: int
    events: int
    types: Counter[str]


def count_invoiced(environment: Mapping[str, str]) -> int:
    """Return how many payments know their invoice: the end of an event's way."""
    return int(_row(environment["PAYMENTS_DATABASE_URL"], INVOICED)[0])


def count_open(environment: Mapping[str, str]) -> int:
    """Return how many payments wait for the gateway."""
    return int(_row(environment["PAYMENTS_DATABASE_URL"], OPEN)[0])


def reconcile(environment: Mapping[str, str], bought: Summary) -> list[Line]:
    """Return every line of the table."""
    payments, billing = environment["PAYMENTS_DATABASE_URL"], environment["BILLING_DATABASE_URL"]
    total, captured, declined, cents, free, noted_paid, noted_void, cents_asked = _row(payments, PAYMENTS)
    paid, void, invoiced = _row(billing, INVOICES)
    lines, balance, cash, revenue = _row(billing, LEDGER)
    gateway = httpx.get(f"{environment['GATEWAY_URL']}/_totals", timeout=30, headers=_key(environment)).json()
    return [
        Line("purchases in the file", bought.purchases, None),
        Line("payments", total, bought.purchases),
        Line("  captured + declined", captured + declined, bought.purchases),
        Line("  of these free (no charge)", free, bought.free),
        Line("charges at the gateway", gateway["charges"], captured - free),
        *_wire_lines(environment),
        Line("invoices paid", paid, captured),
        Line("invoices void (declined)", void, declined),
        Line("ledger lines", lines, 4 * (captured - free)),
        Line("payments that know their invoice", noted_paid + noted_void, bought.purchases),
        Line("events parked, both services", _row(payments, PARKED)[0] + _row(billing, PARKED)[0], 0),
        Line("cents bought", bought.cents, None),
        Line("cents asked for", cents_asked, bought.cents),
        Line("cents charged", gateway["amounts"].get("usd", 0), cents),
        Line("cents captured", cents, bought.cents if not declined else None),
        Line("cents invoiced and paid", invoiced, cents),
        Line("cents of cash in the ledger", cash, cents),
        Line("cents of revenue in the ledger", revenue, cents),
        Line("debits and credits add up to", balance, 0),
    ]


def compare_payments(environment: Mapping[str, str]) -> tuple[Line, str]:
    """Run manage.py reconcile, as payments does every night: its line of the table, its seconds and what it says.

    Where the table has sums, it compares payment by payment, and asks billing and the gateway over their APIs.
    """
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "manage.py", "reconcile", "--grace", "0"],
        env={**environment, "SERVICE": "payments"}, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = (done.stdout if done.returncode == 0 else done.stdout + done.stderr).strip()
    told = f"manage.py reconcile, {time.monotonic() - started:.1f} s: {said}"
    return Line("exit code of manage.py reconcile", done.returncode, 0), told


def _wire_lines(environment: Mapping[str, str]) -> list[Line]:
    lines = []
    for service, consumer, topic in (
        ("payments", "billing", "payments.payment"),
        ("billing", "payments", "billing.invoice"),
    ):
        url, reader = environment[f"{service.upper()}_DATABASE_URL"], environment[f"{consumer.upper()}_DATABASE_URL"]
        wire, rows = _read_topic(environment["KAFKA_BOOTSTRAP_SERVERS"], topic), Counter(dict(_rows(url, OUTBOX)))
        received = _row(reader, INBOX)[0]
        on_wire, recorded = (sum(types[each] for each in HANDLED[consumer]) for types in (wire.types, rows))
        lines += [
            Line(f"events on {topic}", wire.events, rows.total()),
            Line("  duplicates on the wire", wire.records - wire.events, None),
            Line(f"  applied once by {consumer}", received, recorded),
            Line("  duplicates dropped by its inbox", on_wire - received, None),
        ]
    return lines


def _read_topic(bootstrap_servers: str, topic: str) -> Wire:
    kafka = Consumer({"bootstrap.servers": bootstrap_servers, "group.id": "demo", "enable.partition.eof": True})
    partitions = list(kafka.list_topics(topic, timeout=10).topics[topic].partitions)
    kafka.assign([TopicPartition(topic, number, 0) for number in partitions])
    events, types = 0, Counter[str]()
    # Not a set of ids, which grows with the file: first occurrences rise in a partition, so what does not is a
    # repeat. Were that promise broken, fewer events than rows would be counted, and the line be wrong.
    newest = dict.fromkeys(partitions, b"")
    waiting = set(partitions)
    while waiting:
        message = kafka.poll(10)
        if message is None:
            raise TimeoutError(f"{topic} cannot be read to its end")
        partition = int(message.partition() or 0)
        if message.error():
            waiting.discard(partition)  # the end of this partition
            continue
        headers: dict[str, Any] = dict(message.headers() or [])
        types[headers["ce_type"].decode()] += 1
        if headers["ce_sequence"] > newest[partition]:
            events, newest[partition] = events + 1, headers["ce_sequence"]
    kafka.close()
    return Wire(types.total(), events, types)


def _key(environment: Mapping[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {environment['GATEWAY_API_KEY']}"}


def _rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as database:
        return database.execute(query).fetchall()


def _row(url: str, query: str) -> tuple[Any, ...]:
    return _rows(url, query)[0]
