"""The statements of the projections. Table names stand without a schema: a rebuild runs them in its own."""

#: Keyed by the event: a copy that somebody adds again changes nothing.
ADD_LINES = """
INSERT INTO billing_statement
    (id, customer_id, happened_at, kind, payment_id, reference, amount, currency, source, event_id)
SELECT * FROM unnest(%(id)b::uuid[], %(customer_id)b::text[], %(happened_at)b::timestamptz[], %(kind)b::text[],
                     %(payment_id)b::uuid[], %(reference)b::text[], %(amount)b::bigint[], %(currency)b::text[],
                     %(source)b::text[], %(event_id)b::text[])
ON CONFLICT (id) DO NOTHING
"""

#: Sorted by the caller, or two transactions that add to the same days deadlock.
ADD_TO_DAYS = """
INSERT INTO billing_revenuebyday AS r (id, day, currency, partition, payments, captured, refunds, refunded)
SELECT * FROM unnest(%(id)s::text[], %(day)s::date[], %(currency)s::text[], %(partition)s::int[],
                     %(payments)s::bigint[], %(captured)s::numeric[], %(refunds)s::bigint[], %(refunded)s::numeric[])
ON CONFLICT (id) DO UPDATE
SET payments = r.payments + excluded.payments, captured = r.captured + excluded.captured,
    refunds = r.refunds + excluded.refunds, refunded = r.refunded + excluded.refunded
"""

#: A table of the ids that a rebuild has added, by its side. Unlogged: a rebuild that dies begins anew.
MAKE_SEEN = """
CREATE UNLOGGED TABLE seen (event_id text COLLATE "C", source text COLLATE "C", PRIMARY KEY (event_id, source))
"""

#: What comes back was not seen before.
SEE = """
INSERT INTO seen (source, event_id) SELECT * FROM unnest(%(source)b::text[], %(event_id)b::text[])
ON CONFLICT DO NOTHING RETURNING source, event_id
"""

#: Of one projection there is one rebuild at a time. The lock is the session's, and all of a rebuild is in one session:
#: whoever lost the connection can write no more.
TAKE_TURN = "SELECT pg_advisory_lock(hashtextextended(%s, 0))"
LEAVE_TURN = "SELECT pg_advisory_unlock(hashtextextended(%s, 0))"

SEARCH_PATH = "SELECT current_setting('search_path')"
SET_SEARCH_PATH = "SELECT set_config('search_path', %s, true)"
SCHEMA_OF = "SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = to_regclass(%s)"

#: The partitions are waited for as long as a batch may take, the live table shortly: its readers queue behind us.
BUDGET = """
SELECT set_config('lock_timeout', %(wait)s, true), set_config('idle_in_transaction_session_timeout', %(budget)s, true)
"""
LOCK_TIMEOUT = "SELECT set_config('lock_timeout', %s, true)"

# What follows names tables and columns, which only psycopg.sql may write into it.

#: All rows as one text of 16 hexadecimal digits, and their number: the first eight bytes of each row's SHA-256, summed,
#: so that no order is asked for and nothing is kept.
DIGEST = """
SELECT count(*), left(encode(sha256(convert_to(concat_ws(' ', count(*), sum(digest)), 'UTF8')), 'hex'), 16)
FROM (SELECT ('x' || encode(substring(sha256(convert_to(ROW({columns})::text, 'UTF8')) FOR 8), 'hex'))::bit(64)::bigint
      FROM {table}) AS each (digest)
"""

#: Rows that the shadow alone has, that the live table alone has, that differ; and the keys of five of them.
DIFFERENCES = """
WITH live AS (SELECT {key} AS key, ROW({columns}) AS content FROM {live}),
     shadow AS (SELECT {key} AS key, ROW({columns}) AS content FROM {shadow}),
     found AS (SELECT key, live.key IS NULL AS is_missing, shadow.key IS NULL AS is_extra
               FROM live FULL JOIN shadow USING (key) WHERE live.content IS DISTINCT FROM shadow.content)
SELECT count(*) FILTER (WHERE is_missing), count(*) FILTER (WHERE is_extra),
       count(*) FILTER (WHERE NOT is_missing AND NOT is_extra),
       array(SELECT key::text FROM found ORDER BY key DESC LIMIT 5)
FROM found
"""

MAKE_SCHEMA = "CREATE SCHEMA {schema}"
DROP_SCHEMA = "DROP SCHEMA IF EXISTS {schema} CASCADE"
ENTER_SCHEMA = "SET LOCAL search_path = {schema}"
ANALYZE = "ANALYZE {shadow}"

#: Readers see the one table or the other, never none. A view of the live table makes this fail, and nothing is changed.
SWAP = """
DROP TABLE {live};
ALTER TABLE {shadow} SET SCHEMA {live_schema}
"""
LOCK_LIVE = "LOCK TABLE {live} IN ACCESS EXCLUSIVE MODE"
