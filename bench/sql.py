"""Every statement of the bench, named; the why stands on each."""

#: The sizes' data comes from a pool, so that making it costs no more than copying it. Keys repeat as aggregates do.
SEED = """
INSERT INTO outbox_event
    (event_id, source, event_type, subject, aggregate_type, aggregate_id, topic, partition_key, data)
SELECT gen_random_uuid(), '/doorstep/bench', 'bench.event.happened.v1', key, 'event', key, 'bench.event', key,
       (%(pool)s::text[])[1 + n %% %(pool_size)s]
FROM (SELECT n, 'aggregate-' || n %% 10000 AS key FROM generate_series(1, %(count)s) AS n) AS numbered
"""

#: The log as it was when `base` was taken: everything since then waits again. Nobody leads.
REWIND = """
TRUNCATE outbox_window, outbox_progress;
UPDATE outbox_relay SET epoch = epoch + 1, owner = '', lease_until = '-infinity', identity = '', topic_ids = '{}';
INSERT INTO outbox_window (generation, window_id, epoch, base_snapshot, snapshot)
VALUES (1, 0, 0, %(base)s::pg_snapshot, %(base)s::pg_snapshot);
INSERT INTO outbox_progress (generation, window_id, page, position, first_position, count, is_complete, offsets)
VALUES (1, 0, 0, 0, 0, 0, true, '{}');
"""

EMPTY = "TRUNCATE outbox_event RESTART IDENTITY"

#: The peers' table: the log's columns and what a queue needs, no more indexes than a queue needs.
MAKE_QUEUE = """
DROP TABLE IF EXISTS bench_queue;
CREATE TABLE bench_queue (
    position bigint PRIMARY KEY, event_id uuid NOT NULL, source text NOT NULL, event_type text NOT NULL,
    subject text NOT NULL, topic text NOT NULL, partition_key text NOT NULL, data text NOT NULL, headers jsonb NOT NULL,
    occurred_at timestamptz NOT NULL, published_at timestamptz);
CREATE INDEX bench_queue_waiting ON bench_queue (position) WHERE published_at IS NULL;
"""

FILL_QUEUE = """
INSERT INTO bench_queue
SELECT position, event_id, source, event_type, subject, topic, partition_key, data, headers, occurred_at
FROM outbox_event ORDER BY position
"""

#: The queue's classic: lock what nobody else has, delete it, publish, commit. One statement, as fast as it gets.
TAKE_BY_DELETE = """
DELETE FROM bench_queue WHERE position = ANY (ARRAY(
    SELECT position FROM bench_queue ORDER BY position LIMIT %(limit)s FOR UPDATE SKIP LOCKED))
RETURNING position, event_id::text, source, event_type, subject, topic, partition_key, data, headers::text,
          to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), false
"""

#: The status column: the same, and the row stays.
TAKE_BY_UPDATE = """
UPDATE bench_queue SET published_at = clock_timestamp() WHERE position = ANY (ARRAY(
    SELECT position FROM bench_queue WHERE published_at IS NULL ORDER BY position LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED))
RETURNING position, event_id::text, source, event_type, subject, topic, partition_key, data, headers::text,
          to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), false
"""

MAKE_ACCOUNTS = """
DROP TABLE IF EXISTS bench_account;
CREATE TABLE bench_account (account_id integer PRIMARY KEY, balance bigint NOT NULL);
INSERT INTO bench_account SELECT n, 0 FROM generate_series(0, 999) AS n
"""

#: The business of a business transaction: one row changes, and its lock keeps the events' order.
CHANGE_ACCOUNT = "UPDATE bench_account SET balance = balance + 1 WHERE account_id = %s"

#: What any outbox costs at the least: a row of as many bytes.
MAKE_NOTES = """
DROP TABLE IF EXISTS bench_note;
CREATE TABLE bench_note (note_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, content text NOT NULL)
"""

INSERT_NOTE = "INSERT INTO bench_note (content) VALUES (%s)"

#: Flushes of the write-ahead log by every process since the server began.
COUNT_FLUSHES = "SELECT sum(fsyncs)::bigint FROM pg_stat_io WHERE object = 'wal'"

#: pgbench's script: one event a transaction, its key told by the client and the number in it; poison is what makes the
#: bench's handler raise (bench/handlers.py).
RECORD_BY_PGBENCH = r"""\set n :n + 1
INSERT INTO outbox_event
    (event_id, source, event_type, subject, aggregate_type, aggregate_id, topic, partition_key, data)
SELECT gen_random_uuid(), '/doorstep/bench', 'bench.event.happened.v1', key, 'event', key, 'bench.event', key,
       CASE WHEN :n % :poison_every = 0 THEN '{"aggregate":"one that makes its handler fail"}'
            ELSE '{"aggregate":"0000","filler":"' || repeat('x', 266) || '"}' END
FROM (SELECT concat(:client_id, '-', :n) AS key) AS named;
"""

#: From the first page's acknowledgement to the last one, on the database's clock: without the producer's warming up.
DRAINED = """
SELECT extract(epoch FROM max(published_at) - min(published_at))::float8,
       (sum(count) - (array_agg(count ORDER BY window_id, page))[1])::float8
FROM outbox_progress WHERE window_id > 0
"""

RECORD_ONE = """
INSERT INTO outbox_event
    (event_id, source, event_type, subject, aggregate_type, aggregate_id, topic, partition_key, data)
VALUES (gen_random_uuid(), '/doorstep/bench', 'bench.event.happened.v1', %(key)s, 'event', %(key)s, 'bench.event',
        %(key)s, '{"aggregate":"0000","filler":"x"}')
"""

#: What the bench's handlers write: the least that an effect is.
MAKE_EFFECTS = """
DROP TABLE IF EXISTS bench_effect, bench_id;
CREATE TABLE bench_effect (event_id text PRIMARY KEY, aggregate text NOT NULL);
CREATE TABLE bench_id (consumer text NOT NULL, source text NOT NULL, event_id text NOT NULL,
                       UNIQUE (consumer, source, event_id));
"""

INSERT_EFFECTS = "INSERT INTO bench_effect (event_id, aggregate) SELECT * FROM unnest(%b::text[], %b::text[])"

#: The least that remembering an id costs: its unique index and nothing else.
INSERT_IDS = """
INSERT INTO bench_id (consumer, source, event_id) SELECT 'bench', '/doorstep/bench', id FROM unnest(%b::text[]) AS id
ORDER BY id COLLATE "C" ON CONFLICT DO NOTHING RETURNING source, event_id
"""

EMPTY_INBOX = """
TRUNCATE inbox_inboxevent, inbox_inboxoffset, inbox_parked, inbox_horizon, bench_effect, bench_id RESTART IDENTITY
"""

#: The consumer has read nothing, and remembers everything.
REWIND_INBOX = "TRUNCATE inbox_inboxoffset, bench_effect"

#: An inbox with a history: rows as receive() writes them, of a time before; their headers weigh what real ones do.
FILL_INBOX = """
INSERT INTO inbox_inboxevent (consumer, source, event_id, event_type, partition_key, sequence, topic, partition,
                              "offset", digest, data, headers, received_at)
SELECT 'bench', '/doorstep/bench', uuidv7((n - %(rows)s) * interval '1 ms' - interval '1 day')::text,
       'bench.event.happened.v1', 'aggregate-' || n %% 10000, '', 'bench.arrivals', n %% 6, n, sha256(n::text::bytea),
       %(data)s, '[["ce_id","' || repeat('x', 400) || '"]]', clock_timestamp()
FROM generate_series(%(start)s::bigint, %(end)s::bigint) AS n
"""

#: Billing has received a whole topic, and its projections know nothing of it.
RECEIVED_BY_BILLING = """
TRUNCATE billing_statement, billing_revenuebyday, inbox_inboxoffset;
INSERT INTO inbox_inboxoffset (consumer, topic, partition, next_offset, topic_id, partition_count, problem)
SELECT 'billing', %(topic)s, partition - 1, next_offset, '', 0, ''
FROM unnest(%(ends)s::bigint[]) WITH ORDINALITY AS e (next_offset, partition)
"""

#: Back to the history alone: what a run received above it goes, and its space too.
FORGET_ABOVE = """
DELETE FROM inbox_inboxevent WHERE id > %s
"""

#: So many customers, each with a subscription that begins on the day.
SUBSCRIBE = """
INSERT INTO billing_plan (id, name, amount, currency, created_at) VALUES ('basic', 'Basic', 990, 'USD', now())
ON CONFLICT DO NOTHING;
INSERT INTO billing_customer (id, name, email, created_at)
SELECT %(day)s || '-' || n, '', '', now() FROM generate_series(1, %(count)s) AS n;
INSERT INTO billing_subscription (id, customer_id, plan_id, payment_method, state, anchor_on, cycles, next_cycle_on,
                                  cycle_prefix, version, created_at)
SELECT uuidv7(), id, 'basic', 'pm_card_visa', 'active', %(day)s::date, 0, %(day)s::date, '', 1, now()
FROM billing_customer WHERE starts_with(id, %(day)s)
"""
