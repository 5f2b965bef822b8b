"""SQL of the index's rows. Every statement is a transaction of its own, on the database's clock."""

#: Take what is due for the length of a lease. SKIP LOCKED: another sweep has it, or a writer who is changing it.
TAKE = """
WITH due AS MATERIALIZED (
    SELECT invoice_id FROM search_indexedinvoice
    WHERE indexed_version < version AND due_at <= now()
    ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
UPDATE search_indexedinvoice AS row
SET due_at = now() + %(lease)s * interval '1 second', attempts = row.attempts + 1
FROM due WHERE row.invoice_id = due.invoice_id
RETURNING row.invoice_id
"""

#: Note what the index has. SKIP LOCKED: waiting for a transaction that changes the same invoices in another order could
#: deadlock. What is skipped is sent again after its lease, and that is harmless. GREATEST: answers may come late.
MARK = """
WITH sent AS (
    SELECT row.invoice_id, sent.version FROM search_indexedinvoice AS row
    JOIN unnest(%(ids)s::uuid[], %(versions)s::bigint[]) AS sent (invoice_id, version)
        ON row.invoice_id = sent.invoice_id
    FOR UPDATE OF row SKIP LOCKED
)
UPDATE search_indexedinvoice AS row
SET indexed_version = greatest(row.indexed_version, sent.version), changed_at = now(), attempts = 0, problem = ''
FROM sent WHERE row.invoice_id = sent.invoice_id
"""

#: Try again later: after a second, then twice as long, up to 64 s.
PUT_OFF = """
WITH failed AS (
    SELECT row.invoice_id, failed.problem FROM search_indexedinvoice AS row
    JOIN unnest(%(ids)s::uuid[], %(problems)s::text[]) AS failed (invoice_id, problem)
        ON row.invoice_id = failed.invoice_id
    FOR UPDATE OF row SKIP LOCKED
)
UPDATE search_indexedinvoice AS row
SET due_at = now() + 2 ^ least(row.attempts - 1, 6) * interval '1 second', problem = failed.problem
FROM failed WHERE row.invoice_id = failed.invoice_id
"""

#: How many wait (up to %(most)s are counted), for how long the oldest, and what was wrong with it. By partial index.
STATUS = """
SELECT count(*), coalesce(max(extract(epoch FROM now() - changed_at)), 0)::float8,
    coalesce((array_agg(problem ORDER BY changed_at) FILTER (WHERE problem <> ''))[1], '')
FROM (
    SELECT changed_at, problem FROM search_indexedinvoice
    WHERE indexed_version < version ORDER BY changed_at LIMIT %(most)s
) AS waiting
"""

#: One reindex at a time, for as long as the session lives. Two would only waste work, so a lost session is no danger.
LOCK_REINDEX = "SELECT pg_try_advisory_lock(hashtextextended('search.reindex', 0))"
UNLOCK_REINDEX = "SELECT pg_advisory_unlock(hashtextextended('search.reindex', 0))"
