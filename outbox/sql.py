"""Every statement of the outbox, named; the why stands on each. Parameters are psycopg's.

All of the relay's writes have the form INSERT ... SELECT ... FROM outbox_relay WHERE epoch = mine FOR SHARE: no row
comes back when another relay leads, so a leader that was paused changes nothing when it wakes.
"""

#: One event, the usual case: what record() adds to a business transaction is mostly this statement's planning and
#: parameters, and VALUES has half of RECORD's.
RECORD_ONE = """
INSERT INTO outbox_event
    (event_id, source, event_type, subject, aggregate_type, aggregate_id, topic, partition_key, data, headers)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""

#: One statement for two events or ten thousand. No RETURNING: a role with INSERT alone must suffice.
RECORD = """
INSERT INTO outbox_event
    (event_id, source, event_type, subject, aggregate_type, aggregate_id, topic, partition_key, data, headers)
SELECT id, source, event_type, subject, aggregate_type, aggregate_id, topic, partition_key, data, headers::jsonb
FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
            %s::text[], %s::text[]) WITH ORDINALITY
    AS e (id, source, event_type, subject, aggregate_type, aggregate_id, topic, partition_key, data, headers, n)
ORDER BY n
"""

#: The planner's switches: the relay's statements walk an index whatever the statistics say, or do not say yet. Without
#: enable_sort and enable_bitmapscan off, an unanalysed log has every page read and sort all that is left of its window.
#: The timeouts end what a stopped process would otherwise hold; %(lease)s in milliseconds.
SESSION = """
SELECT set_config('enable_seqscan', 'off', false), set_config('enable_bitmapscan', 'off', false),
       set_config('enable_sort', 'off', false), set_config('synchronous_commit', 'on', false),
       set_config('idle_in_transaction_session_timeout', %(lease)s, false), set_config('lock_timeout', %(lease)s, false)
"""

#: What makes a database the one that the log was published from. The timeline comes from the WAL's file name,
#: because the control file lags behind a promotion.
IDENTITY = """
SELECT pg_is_in_recovery(),
       CASE WHEN pg_is_in_recovery() THEN '' ELSE concat_ws('/',
           (SELECT system_identifier FROM pg_control_system()),
           left(pg_walfile_name(pg_current_wal_insert_lsn()), 8),
           (SELECT oid FROM pg_database WHERE datname = current_database()),
           'outbox_event'::regclass::oid) END
"""

#: Take the lease on the database's clock. The second condition: the clock went back, or someone wrote nonsense.
LEAD = """
UPDATE outbox_relay
SET epoch = epoch + 1, owner = %(owner)s, lease_until = clock_timestamp() + %(lease)s * interval '1 second',
    identity = CASE WHEN identity = '' THEN %(identity)s ELSE identity END
WHERE lease_until < clock_timestamp() OR lease_until > clock_timestamp() + 2 * %(lease)s * interval '1 second'
RETURNING epoch, generation, rebase_position, identity
"""

RENEW = """
UPDATE outbox_relay SET lease_until = clock_timestamp() + %(lease)s * interval '1 second'
WHERE epoch = %(epoch)s RETURNING epoch
"""

#: A leader that stops in good order lets a standby take over at once.
RELEASE = "UPDATE outbox_relay SET lease_until = '-infinity' WHERE epoch = %(epoch)s"

#: The newest window and its newest page: all of the relay's state.
STATE = """
SELECT w.window_id, w.base_snapshot::text, w.snapshot::text, w.first_position,
       coalesce(p.page, -1), coalesce(p.position, 0), coalesce(p.is_complete, false)
FROM outbox_window w
LEFT JOIN LATERAL (
    SELECT page, position, is_complete FROM outbox_progress
    WHERE generation = w.generation AND window_id = w.window_id ORDER BY page DESC LIMIT 1
) p ON true
WHERE w.generation = %(generation)s ORDER BY w.window_id DESC LIMIT 1
"""

#: Is any row visible now that the newest snapshot did not see? Two probes of one index, nothing written when idle.
#: position + 0: no index on position can serve it, and the planner cannot choose to walk the whole history.
#: is_moved: 64 transactions have begun since; then an idle relay moves the base, so that the rows of a long
#: transaction leave the probed range. (The relay itself uses a few transaction ids a second: hence not 1.)
PEEK = """
SELECT EXISTS (
    SELECT FROM outbox_event
    WHERE transaction_id >= pg_snapshot_xmax(%(base)s::pg_snapshot) AND position + 0 > %(rebase)s
) OR EXISTS (
    SELECT FROM outbox_event
    WHERE transaction_id = ANY (ARRAY(SELECT pg_snapshot_xip(%(base)s::pg_snapshot)
                                      EXCEPT SELECT pg_snapshot_xip(pg_current_snapshot())))
      AND position + 0 > %(rebase)s
),
pg_snapshot_xmax(pg_current_snapshot())::text::bigint - pg_snapshot_xmax(%(base)s::pg_snapshot)::text::bigint >= 64
"""

#: Commits with synchronous_commit = on before anything is published: that flush makes every row of the window
#: durable, so a crash of the database cannot leave an event on Kafka whose row is gone.
#: One statement has one snapshot: what it counts for first_position is what pg_current_snapshot() sees.
#: OFFSET 0 and + 0 keep the planner from answering min() by a walk through the whole history of the primary key.
OPEN = """
INSERT INTO outbox_window (generation, window_id, epoch, base_snapshot, snapshot, first_position)
SELECT r.generation, %(window_id)s, r.epoch, %(base)s::pg_snapshot, pg_current_snapshot(), (
    SELECT min(position) FROM (
        SELECT position FROM outbox_event
        WHERE transaction_id >= pg_snapshot_xmax(%(base)s::pg_snapshot) AND position + 0 > r.rebase_position OFFSET 0
    ) AS fresh)
FROM outbox_relay r WHERE r.epoch = %(epoch)s FOR SHARE
RETURNING snapshot::text, first_position
"""

#: The next rows of a window in order of position. "late": rows of transactions that were in flight at the base,
#: below the first new position; "new": everything from there on that the snapshot sees and the base does not.
#: EXISTS: nothing is read for the late half when nothing was in flight, which the planner cannot know; OFFSET 0: when
#: something was, the index by transaction, not a walk through the whole history in order of position.
#: The columns are outbox.page.Row's. ce_time is written here (RFC 3339, UTC, microseconds): a third of the cost.
PAGE = """
SELECT position, event_id::text, source, event_type, subject, topic, partition_key, data, headers::text,
       to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
FROM (
    (SELECT * FROM (
        SELECT * FROM outbox_event
        WHERE EXISTS (SELECT pg_snapshot_xip(%(base)s::pg_snapshot)
                      EXCEPT SELECT pg_snapshot_xip(%(snapshot)s::pg_snapshot))
          AND transaction_id = ANY (ARRAY(SELECT pg_snapshot_xip(%(base)s::pg_snapshot)
                                          EXCEPT SELECT pg_snapshot_xip(%(snapshot)s::pg_snapshot)))
          AND position > greatest(%(after)s, %(rebase)s) AND position < coalesce(%(first)s, 9223372036854775807)
        OFFSET 0) AS late
     ORDER BY position LIMIT %(limit)s)
    UNION ALL
    (SELECT * FROM outbox_event
     WHERE position >= %(first)s AND position > greatest(%(after)s, %(rebase)s)
       AND pg_visible_in_snapshot(transaction_id, %(snapshot)s::pg_snapshot)
       AND NOT pg_visible_in_snapshot(transaction_id, %(base)s::pg_snapshot)
     ORDER BY position LIMIT %(limit)s)
) AS page ORDER BY position LIMIT %(limit)s
"""

#: After every acknowledgement. The commit is asynchronous: losing it repeats a page, and the next OPEN flushes it.
#: set_config is true for this statement's own transaction only, and stands in WHERE so that it is evaluated.
ADVANCE = """
INSERT INTO outbox_progress (generation, window_id, page, position, first_position, count, is_complete, offsets)
SELECT r.generation, %(window_id)s, %(page)s, %(position)s, %(first)s, %(count)s, %(is_complete)s, %(offsets)s::jsonb
FROM outbox_relay r
WHERE r.epoch = %(epoch)s AND set_config('synchronous_commit', 'off', true) IS NOT NULL FOR SHARE
RETURNING page
"""

#: Where a position was published: the window whose snapshots enclose its transaction, the page that covers it.
#: The parameter stands in every condition: a walk along outbox_progress_by_position from there, not a join with the
#: log; OFFSET 0 keeps the planner from making one.
COORDINATES = """
SELECT p.generation, p.window_id, p.page, p.published_at, p.count, p.first_position, p.offsets,
       w.base_snapshot::text, w.snapshot::text, w.first_position
FROM outbox_progress p JOIN outbox_window w USING (generation, window_id)
WHERE p.position >= %(position)s AND p.first_position <= %(position)s AND p.count > 0 AND EXISTS (
    SELECT FROM outbox_event e
    WHERE e.position = %(position)s AND pg_visible_in_snapshot(e.transaction_id, w.snapshot)
      AND NOT pg_visible_in_snapshot(e.transaction_id, w.base_snapshot) OFFSET 0)
ORDER BY p.position LIMIT 1
"""
