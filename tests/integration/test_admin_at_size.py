"""The admin over thousands of rows: every search is served by an index, and pages end."""

import re

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

UNKNOWN = "01939c00-0000-7000-8000-000000000001"
#: Thousands of rows behind every list that grows.
MANY_ROWS = """
INSERT INTO outbox_event (event_id, source, event_type, subject, aggregate_type, aggregate_id, topic, partition_key,
                          data)
SELECT gen_random_uuid(), '/s', 't', 's', 'a', 'aggregate-' || n, 'payments.payment', 'k', '{}'
FROM generate_series(1, 6000) AS n;
INSERT INTO inbox_inboxevent (consumer, source, event_id, event_type, partition_key, sequence, topic, partition,
                              "offset", digest, data, headers, received_at)
SELECT 'billing', '/s', 'event-' || n, 't', 'key-' || n, '', 'payments.payment', 0, n, '', '{}', '[]', now()
FROM generate_series(1, 6000) AS n;
INSERT INTO inbox_parked (consumer, source, event_id, reason, problem, fingerprint, attempts, topic, partition,
                          "offset", partition_key, digest, headers, parked_at, resolution, resolved_by, discard_reason)
SELECT 'billing', '/s', 'event-' || n, 'failed', '', 'fingerprint-' || n, 1, 'payments.payment', 0, n, 'key-' || n, '',
       '[]', now(), '', '', ''
FROM generate_series(1, 6000) AS n;
INSERT INTO payments_payment (id, customer_id, reference, amount, currency, payment_method, capture, status, captured,
                              refunds_asked, refunded, decline_code, gateway_intent, version, invoice_state,
                              billing_cycle, invoice_event_id, attempt)
SELECT uuidv7(), 'customer-' || n, 'reference-' || n, 1, 'USD', '', 'automatic', 'initiated', 0, 0, 0, '', '', 1, '',
       '', '', 1
FROM generate_series(1, 6000) AS n;
INSERT INTO payments_gatewaycall (payment_id, kind, step, amount, idempotency_key, earlier_keys, state, attempts,
                                  due_at, event_id, gateway_reference, problem, created_at, updated_at)
SELECT id, 'charge', 'capture', 1, id || ':capture', '{}', 'pending', 0, now(), uuidv7(), '', '', now(), now()
FROM payments_payment;
INSERT INTO idempotency_key (principal, key, request_digest, status, body, headers, created_at)
SELECT 'p', 'key-' || n, '', 201, '', '{}', now() FROM generate_series(1, 6000) AS n;
INSERT INTO billing_invoice (id, payment_id, customer_id, reference, amount, currency, state, version, issued_at)
SELECT gen_random_uuid(), id, customer_id, reference, 1, 'USD', 'paid', 2, now() FROM payments_payment;
INSERT INTO billing_customer (id, name, email, created_at)
SELECT 'customer-' || n, '', '', now() FROM generate_series(1, 6000) AS n;
INSERT INTO billing_plan (id, name, amount, currency, created_at) VALUES ('basic', '', 1, 'USD', now());
INSERT INTO billing_subscription (id, customer_id, plan_id, payment_method, state, anchor_on, cycles, next_cycle_on,
                                  cycle_prefix, version, created_at)
SELECT gen_random_uuid(), id, 'basic', '', 'active', now(), 0, now(), '', 1, now() FROM billing_customer;
INSERT INTO billing_creditnote (id, invoice_id, refund_id, amount, currency, reason, created_at)
SELECT gen_random_uuid(), id, 'refund-' || reference, 1, 'USD', '', now() FROM billing_invoice;
INSERT INTO billing_latepayment (payment_id, invoice_id, amount, currency, refunded, came_at)
SELECT gen_random_uuid(), id, 1, 'USD', 0, now() FROM billing_invoice;
INSERT INTO billing_dispute (id, invoice_id, amount, currency, reason, status, version, noted_at)
SELECT 'dispute-' || reference, id, 1, 'USD', '', '', 1, now() FROM billing_invoice;
INSERT INTO billing_statement (id, customer_id, happened_at, kind, payment_id, reference, amount, currency, source,
                               event_id)
SELECT uuidv7(), customer_id, now(), 'payment', id, reference, 1, 'USD', '/s', id::text FROM payments_payment;
INSERT INTO payments_gatewaylook (object_id, kind, call_name, told, looked, attempts, due_at, problem)
SELECT 'pi_' || n, 'payment_intent', '', 1, 1, 0, now(), '' FROM generate_series(1, 6000) AS n;
ANALYZE;
"""
SEARCHES = [
    ("outbox_outboxevent", UNKNOWN), ("outbox_outboxevent", "aggregate-77"), ("outbox_outboxevent", "77"),
    ("inbox_inboxevent", "event-77"), ("inbox_inboxevent", "key-77"),
    ("inbox_parkedevent", "event-77"), ("inbox_parkedevent", "key-77"), ("inbox_parkedevent", "fingerprint-77"),
    ("payments_payment", UNKNOWN), ("payments_payment", "customer-77"), ("payments_payment", "reference-77"),
    ("payments_gatewaycall", UNKNOWN), ("payments_gatewaycall", f"{UNKNOWN}:capture"),
    ("idempotency_idempotencykey", "key-77"),
    ("billing_invoice", UNKNOWN), ("billing_invoice", "customer-77"), ("billing_invoice", "reference-77"),
    ("billing_customer", "customer-77"), ("billing_subscription", UNKNOWN), ("billing_subscription", "customer-77"),
    ("billing_creditnote", UNKNOWN), ("billing_creditnote", "refund-77"), ("billing_latepayment", UNKNOWN),
    ("billing_dispute", "dispute-77"), ("billing_dispute", UNKNOWN), ("billing_statement", "customer-77"),
    ("payments_gatewaylook", "pi_77"),
]  # fmt: skip


def test_every_search_is_served_by_an_index(browser: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute(MANY_ROWS)
    for page, term in SEARCHES:
        for plan in plans_of(browser, page, term):
            assert "Index Cond" in plan, (page, term, plan)
            assert not re.search(r"Seq Scan on (?!outbox_event_default)", plan), (page, term, plan)


def test_pages_beyond_the_newest_hundred_are_not_offered(browser: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute(MANY_ROWS)
    answer = browser.get(list_of("inbox_inboxevent"), {"p": "100"})
    assert answer.context["cl"].result_list[49].event_id == "event-1001"
    assert "The newest 5,000 at most" in answer.content.decode()
    assert browser.get(list_of("inbox_inboxevent"), {"p": "101"}).status_code == 302


def plans_of(browser: Client, page: str, term: str) -> list[str]:
    """The plans of the list's statements for a search term."""
    table = {
        "outbox_outboxevent": "outbox_event", "inbox_parkedevent": "inbox_parked",
        "idempotency_idempotencykey": "idempotency_key",
    }.get(page, page)  # fmt: skip
    with CaptureQueriesContext(connection) as queries:
        assert browser.get(list_of(page), {"q": term}).status_code == 200
    statements = [each["sql"] for each in queries if f'FROM "{table}"' in each["sql"]]
    assert statements
    with connection.cursor() as cursor:
        plans = []
        for statement in statements:
            cursor.execute(f"EXPLAIN {statement}")
            plans.append("\n".join(line for (line,) in cursor.fetchall()))
        return plans


def list_of(page: str) -> str:
    return reverse(f"admin:{page}_changelist")
