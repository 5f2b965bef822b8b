"""The statements of upkeep and pruning, named; the why stands on each. {names} are filled by psycopg.sql only.

Locks are taken in one order everywhere: the log, then one table partition, then the DEFAULT one.
"""

#: For the length of the transaction: give up early, because every writer queues behind a lock that waits.
#: enable_seqscan off: the proof under the lock must not read a whole table partition.
SHORT_LOCKS = "SELECT set_config('lock_timeout', %(milliseconds)s, true), set_config('enable_seqscan', 'off', true)"

#: Copies of upkeep exclude each other; writers and readers are not held up. ATTACH takes the same lock.
LOCK_FOR_UPKEEP = "LOCK TABLE ONLY outbox_event IN SHARE UPDATE EXCLUSIVE MODE"

#: Attached table partitions but DEFAULT, lowest first; no lower bound: MINVALUE.
TABLE_PARTITIONS = r"""
SELECT c.relname, (regexp_match(bound, 'FROM \(''(\d+)''\)'))[1]::bigint,
       (regexp_match(bound, 'TO \(''(\d+)''\)'))[1]::bigint
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid, pg_get_expr(c.relpartbound, c.oid) AS bound
WHERE i.inhparent = 'outbox_event'::regclass AND bound <> 'DEFAULT' ORDER BY 3
"""

#: The highest position that was drawn, by transactions in flight included.
LAST_POSITION = "SELECT coalesce(pg_sequence_last_value('outbox_event_position'), 0)"

#: IF NOT EXISTS takes up a table that was made and never attached. The CHECK spares ATTACH the scan of its rows.
MAKE = """
CREATE TABLE IF NOT EXISTS {table} (
    LIKE outbox_event INCLUDING ALL,
    CONSTRAINT outbox_event_in_range CHECK (position >= {low} AND position < {high})
)
"""

#: Gives the new table the parent's triggers, and its indexes a place in the parent's.
ATTACH = "ALTER TABLE outbox_event ATTACH PARTITION {table} FOR VALUES FROM ({low}) TO ({high})"

COUNT_DEFAULT_ROWS = "SELECT count(*), min(position) FROM outbox_event_default"

#: ONLY: without it every table partition is locked. DROP takes the same lock, but after the proof: a writer that
#: commits in between would lose its rows.
LOCK_LOG = "LOCK TABLE ONLY outbox_event IN ACCESS EXCLUSIVE MODE"
LOCK_TABLE_PARTITION = "LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"

#: The snapshots that prove: of the newest complete window, and of the newest one opened before the retention began.
#: What the second one sees was committed before it was opened, so it is older than the retention, on the database's
#: clock. Of the current generation only: snapshots of another cluster say nothing.
SNAPSHOTS = """
WITH complete AS (
    SELECT w.snapshot, w.window_id, w.opened_at FROM outbox_window w JOIN outbox_relay r USING (generation)
    WHERE EXISTS (SELECT FROM outbox_progress p
                  WHERE p.generation = w.generation AND p.window_id = w.window_id AND p.is_complete)
)
SELECT (SELECT snapshot::text FROM complete ORDER BY window_id DESC LIMIT 1),
       (SELECT snapshot::text FROM complete WHERE opened_at <= clock_timestamp() - %(days)s * interval '1 day'
        ORDER BY opened_at DESC LIMIT 1)
"""

#: A row below pg_snapshot_xmin was committed before the snapshot: only the rest is looked at, by
#: outbox_event_by_transaction; OFFSET 0 keeps the planner from the primary key. Rows up to rebase_position carry
#: transaction ids of another cluster; the rebase settled them: published, or parked as missing until they are. All of
#: those ids may be above any xmin: a table partition wholly below it is not walked ({high} is not part of it).
PROOF = """
WITH unpublished AS (
    SELECT position FROM (
        SELECT position, transaction_id FROM {table}
        WHERE transaction_id >= pg_snapshot_xmin({newest}::pg_snapshot)
          AND (SELECT rebase_position FROM outbox_relay) < {high} - 1 OFFSET 0
    ) AS recent
    WHERE position > (SELECT rebase_position FROM outbox_relay)
      AND NOT pg_visible_in_snapshot(transaction_id, {newest}::pg_snapshot)
    UNION ALL
    SELECT e.position FROM {table} e
    WHERE e.position IN (
        SELECT unnest(w.positions) FROM outbox_window w JOIN outbox_relay r USING (generation)
        WHERE w.positions IS NOT NULL AND NOT EXISTS (
            SELECT FROM outbox_progress p
            WHERE p.generation = w.generation AND p.window_id = w.window_id AND p.is_complete))
), parked AS (
    SELECT position FROM outbox_parked p
    WHERE resolved_at IS NULL AND EXISTS (SELECT FROM {table} e WHERE e.position = p.position)
)
SELECT (SELECT count(*) FROM unpublished), (SELECT min(position) FROM unpublished),
       (SELECT count(*) FROM parked), (SELECT min(position) FROM parked),
       EXISTS (
           SELECT FROM (
               SELECT position, transaction_id FROM {table}
               WHERE transaction_id >= pg_snapshot_xmin({old}::pg_snapshot)
                 AND (SELECT rebase_position FROM outbox_relay) < {high} - 1 OFFSET 0
           ) AS recent
           WHERE position > (SELECT rebase_position FROM outbox_relay)
             AND NOT pg_visible_in_snapshot(transaction_id, {old}::pg_snapshot))
"""

DROP = "DROP TABLE {table}"

#: The only rows of the log that are ever deleted by row: the net's, once they could be dropped. It proves and deletes
#: in one statement, so a row that is committed in between is not in it.
PRUNE_DEFAULT = """
DELETE FROM outbox_event_default e USING outbox_relay r
WHERE (e.position <= r.rebase_position OR pg_visible_in_snapshot(e.transaction_id, %(old)s::pg_snapshot))
  AND NOT EXISTS (SELECT FROM outbox_parked p WHERE p.position = e.position AND p.resolved_at IS NULL)
  AND NOT EXISTS (
      SELECT FROM outbox_window w
      WHERE w.generation = r.generation AND e.position = ANY (w.positions) AND NOT EXISTS (
          SELECT FROM outbox_progress p
          WHERE p.generation = w.generation AND p.window_id = w.window_id AND p.is_complete))
"""

#: Windows below the first one that published a row from %(floor)s on concern dropped rows only, and so does what was
#: parked and resolved below it. Kept beside it: what
#: an unresolved parked row names, and the newest window, which is the relay's state.
FORGET = """
WITH kept AS (
    (SELECT generation, window_id FROM outbox_progress WHERE position >= %(floor)s AND count > 0
     ORDER BY generation, window_id LIMIT 1)
    UNION ALL SELECT generation, window_id FROM outbox_parked WHERE resolved_at IS NULL
    UNION ALL (SELECT generation, window_id FROM outbox_window ORDER BY generation DESC, window_id DESC LIMIT 1)
), first AS (
    SELECT generation, window_id FROM kept ORDER BY generation, window_id LIMIT 1
), gone AS (
    DELETE FROM outbox_window WHERE (generation, window_id) IN (
        SELECT w.generation, w.window_id FROM outbox_window w, first
        WHERE (w.generation, w.window_id) < (first.generation, first.window_id)
        ORDER BY w.generation, w.window_id LIMIT %(limit)s)
    RETURNING generation, window_id
), gone_pages AS (
    DELETE FROM outbox_progress p USING gone WHERE p.generation = gone.generation AND p.window_id = gone.window_id
), gone_parked AS (
    DELETE FROM outbox_parked WHERE resolved_at IS NOT NULL AND position < %(floor)s
)
SELECT count(*) FROM gone
"""
