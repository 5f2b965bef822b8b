"""The statements of the watching: who runs, what waits, what holds it up. See outbox/sql.py for the relay's own."""

#: One statement, its commit asynchronous (see sql.ADVANCE): a lost beat is written again a second later.
#: Owners that are gone for an hour are removed; the own row is left out, for one statement cannot change a row twice.
BEAT = """
WITH gone AS (
    DELETE FROM outbox_heartbeat WHERE beat_at < clock_timestamp() - interval '1 hour' AND owner <> %(owner)s
)
INSERT INTO outbox_heartbeat (owner, beat_at, epoch, window_id, mode, problem)
SELECT %(owner)s, clock_timestamp(), %(epoch)s, %(window_id)s, %(mode)s, %(problem)s
WHERE set_config('synchronous_commit', 'off', true) IS NOT NULL
ON CONFLICT (owner) DO UPDATE SET beat_at = excluded.beat_at, epoch = excluded.epoch, window_id = excluded.window_id,
    mode = excluded.mode, problem = excluded.problem
"""

#: A relay that stops in good order is not missed.
STOP_BEATING = "DELETE FROM outbox_heartbeat WHERE owner = %(owner)s"

#: The newest beat first.
BEATS = """
SELECT owner, extract(epoch FROM clock_timestamp() - beat_at)::float8, epoch, window_id, mode, problem
FROM outbox_heartbeat ORDER BY beat_at DESC
"""

#: The lease, the newest window and what waits behind it. A row waits when no window has it yet (late: its transaction
#: was in flight at the newest snapshot; new: it began later), or its window is open and beyond the newest page.
#: Every part walks an index and ends after %(most)s rows, so that a scrape costs the same on any log: up to there the
#: rows are counted, beyond the count is what lies between the oldest one and the end of the log, in positions.
#: LATERAL and OFFSET 0: the window's values are parameters of each walk, which the planner does not turn into a join.
#: "position - published > 0" is no condition of an index, on purpose: the planner would take the primary key for it.
#: The OR of the rebase position is none either, but prunes table partitions: see sql.PEEK.
#: What a person or a rebase asked to be published again waits too, and is counted up to %(most)s: it does not lie
#: between the oldest row and the end of the log. Parked is what nobody has asked for.
STATUS = """
WITH newest AS (
    SELECT r.epoch, r.owner, r.lease_until, r.rebase_position AS rebase, w.window_id, w.first_position AS first,
           w.base_snapshot AS base, w.snapshot, coalesce(p.position, 0) AS published, p.published_at,
           coalesce(p.is_complete, false) AS is_complete
    FROM outbox_relay r
    JOIN LATERAL (SELECT * FROM outbox_window WHERE generation = r.generation ORDER BY window_id DESC LIMIT 1) w ON true
    LEFT JOIN LATERAL (SELECT * FROM outbox_progress WHERE generation = r.generation AND window_id = w.window_id
                       ORDER BY page DESC LIMIT 1) p ON true
), waiting AS (
    SELECT e.* FROM newest n, LATERAL (
        SELECT position, occurred_at FROM outbox_event
        WHERE transaction_id >= pg_snapshot_xmax(n.snapshot) AND (position >= n.rebase + 1 OR position = n.rebase + 1)
        ORDER BY transaction_id, position LIMIT %(most)s OFFSET 0) e
    UNION ALL
    SELECT e.* FROM newest n, LATERAL (
        SELECT position, occurred_at FROM outbox_event
        WHERE transaction_id = ANY (ARRAY(SELECT pg_snapshot_xip(n.snapshot)))
          AND (position >= n.rebase + 1 OR position = n.rebase + 1)
        ORDER BY transaction_id, position LIMIT %(most)s OFFSET 0) e
    UNION ALL
    SELECT e.* FROM newest n, LATERAL (
        SELECT position, occurred_at FROM outbox_event
        WHERE transaction_id = ANY (ARRAY(SELECT pg_snapshot_xip(n.base) EXCEPT SELECT pg_snapshot_xip(n.snapshot)))
          AND (position >= n.rebase + 1 OR position = n.rebase + 1) AND position - n.published > 0
          AND position - coalesce(n.first, 9223372036854775807) < 0
        ORDER BY transaction_id, position LIMIT %(most)s OFFSET 0) e WHERE NOT n.is_complete
    UNION ALL
    SELECT e.position, e.occurred_at FROM newest n, LATERAL (
        SELECT position, occurred_at, transaction_id FROM outbox_event
        WHERE position >= n.first AND position > greatest(n.published, n.rebase)
        ORDER BY position LIMIT %(most)s OFFSET 0) e
    WHERE NOT n.is_complete AND pg_visible_in_snapshot(e.transaction_id, n.snapshot)
      AND NOT pg_visible_in_snapshot(e.transaction_id, n.base)
), asked AS (
    SELECT e.occurred_at FROM (
        SELECT position FROM outbox_parked WHERE resolved_at IS NULL AND redrive_asked_at IS NOT NULL
        ORDER BY position LIMIT %(most)s) p
    JOIN outbox_event e USING (position)
), summed AS (
    SELECT count(*) AS counted, min(position) AS oldest, min(occurred_at) AS since,
           (SELECT count(*) FROM asked) AS asked, (SELECT min(occurred_at) FROM asked) AS asked_since
    FROM waiting
)
SELECT n.epoch, n.owner, extract(epoch FROM n.lease_until - clock_timestamp())::float8, n.window_id, n.is_complete,
       extract(epoch FROM clock_timestamp() - n.published_at)::float8,
       s.asked + CASE WHEN s.counted < %(most)s THEN s.counted
            ELSE greatest(s.counted, (SELECT position FROM outbox_event ORDER BY position DESC LIMIT 1) - s.oldest + 1)
       END,
       greatest(coalesce(extract(epoch FROM clock_timestamp() - least(s.since, s.asked_since)), 0), 0)::float8,
       (SELECT count(*) FROM outbox_parked WHERE resolved_at IS NULL AND redrive_asked_at IS NULL),
       (SELECT count(DISTINCT (topic, partition_key)) FROM outbox_parked
        WHERE resolved_at IS NULL AND redrive_asked_at IS NULL)
FROM newest n, summed s
"""

#: The newest windows: what each held, and how long it took from its opening to its newest page.
WINDOWS = """
SELECT w.window_id, w.opened_at, coalesce(p.count, 0)::bigint, coalesce(p.pages, 0)::bigint,
       extract(epoch FROM coalesce(p.published_at, clock_timestamp()) - w.opened_at)::float8,
       coalesce(p.is_complete, false)
FROM (SELECT w.* FROM outbox_relay r JOIN outbox_window w USING (generation)
      WHERE w.window_id > 0 ORDER BY w.window_id DESC LIMIT %(limit)s) w
LEFT JOIN LATERAL (
    SELECT sum(count) AS count, count(*) AS pages, max(published_at) AS published_at,
           bool_or(is_complete) AS is_complete
    FROM outbox_progress WHERE generation = w.generation AND window_id = w.window_id
) p ON true
ORDER BY w.window_id DESC
"""

#: Open transactions with an id, the oldest first: only those can have written. One that has recorded an event holds a
#: ROW EXCLUSIVE lock on the log until it ends. A prepared one has no process: its
#: locks are found by the lock on its own id.
WRITERS = """
WITH recording AS MATERIALIZED (
    SELECT pid, virtualtransaction FROM pg_locks
    WHERE relation = 'outbox_event'::regclass AND mode = 'RowExclusiveLock'
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
)
SELECT pid::text, datname = current_database(), datname, coalesce(state, 'unknown'), application_name,
       extract(epoch FROM clock_timestamp() - xact_start)::float8, pid IN (SELECT pid FROM recording WHERE pid > 0)
FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()
UNION ALL
SELECT gid, database = current_database(), database, 'prepared', owner::text,
       extract(epoch FROM clock_timestamp() - prepared)::float8,
       EXISTS (SELECT FROM pg_locks l JOIN recording r USING (virtualtransaction)
               WHERE l.transactionid = x.transaction AND l.pid IS NULL AND r.pid IS NULL)
FROM pg_prepared_xacts x
ORDER BY 6 DESC
"""

#: To a role without pg_read_all_stats the sessions of others are blank, their type too: WRITERS does not see them.
HIDDEN = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type IS NULL"
