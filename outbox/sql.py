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
#: jit: up to PostgreSQL 17 a switched-off sort that is needed all the same counts as a cost of ten thousand million, so
#: that every page would be compiled first.
#: The timeouts end what a stopped process would otherwise hold; %(lease)s in milliseconds.
SESSION = """
SELECT set_config('enable_seqscan', 'off', false), set_config('enable_bitmapscan', 'off', false),
       set_config('enable_sort', 'off', false), set_config('jit', 'off', false),
       set_config('synchronous_commit', 'on', false),
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

#: Take the lease on the database's clock; our own is taken again at once, after a failure. The last condition: the
#: clock went back, or someone wrote nonsense.
LEAD = """
UPDATE outbox_relay
SET epoch = epoch + 1, owner = %(owner)s, lease_until = clock_timestamp() + %(lease)s * interval '1 second',
    identity = CASE WHEN identity = '' THEN %(identity)s ELSE identity END
WHERE lease_until < clock_timestamp() OR owner = %(owner)s
   OR lease_until > clock_timestamp() + 2 * %(lease)s * interval '1 second'
RETURNING epoch, generation, rebase_position, identity
"""

ADOPT = "UPDATE outbox_relay SET identity = %(identity)s WHERE epoch = %(epoch)s RETURNING epoch"

#: Read by epoch: once a rebase has forgotten the ids, whoever led before it notes none of them again.
TOPIC_IDS = "SELECT topic_ids FROM outbox_relay WHERE epoch = %(epoch)s"

NOTE_TOPIC_IDS = """
UPDATE outbox_relay SET topic_ids = topic_ids || %(ids)s::jsonb WHERE epoch = %(epoch)s RETURNING epoch
"""

RENEW = """
UPDATE outbox_relay SET lease_until = clock_timestamp() + %(lease)s * interval '1 second'
WHERE epoch = %(epoch)s RETURNING epoch
"""

#: A leader that stops in good order lets a standby take over at once.
RELEASE = "UPDATE outbox_relay SET lease_until = '-infinity' WHERE epoch = %(epoch)s"

#: The newest window and its newest page: all of the relay's state.
STATE = """
SELECT w.window_id, w.base_snapshot::text, w.snapshot::text, w.first_position, w.positions,
       coalesce(p.page, -1), coalesce(p.position, 0), coalesce(p.is_complete, false)
FROM outbox_window w
LEFT JOIN LATERAL (
    SELECT page, position, is_complete FROM outbox_progress
    WHERE generation = w.generation AND window_id = w.window_id ORDER BY page DESC LIMIT 1
) p ON true
WHERE w.generation = %(generation)s ORDER BY w.window_id DESC LIMIT 1
"""

#: Is any row visible now that the newest snapshot did not see? Two probes of one index, nothing written when idle.
#: "position >= n + 1 OR position = n + 1" says what "position > n" says, and does two things more: no index on position
#: serves it, so that the planner cannot choose to walk the whole history; and table partitions that end at n are pruned
#: before anything is read ("> n" would not: to the planner there is room between n and n + 1). After a rebase in a new
#: cluster their ids lie in the future, above any base.
#: is_moved: 64 transactions have begun since; then an idle relay moves the base, so that the rows of a long
#: transaction leave the probed range. (The relay itself uses a few transaction ids a second: hence not 1.)
PEEK = """
SELECT EXISTS (
    SELECT FROM outbox_event
    WHERE transaction_id >= pg_snapshot_xmax(%(base)s::pg_snapshot)
      AND (position >= %(rebase)s + 1 OR position = %(rebase)s + 1)
) OR EXISTS (
    SELECT FROM outbox_event
    WHERE transaction_id = ANY (ARRAY(SELECT pg_snapshot_xip(%(base)s::pg_snapshot)
                                      EXCEPT SELECT pg_snapshot_xip(pg_current_snapshot())))
      AND (position >= %(rebase)s + 1 OR position = %(rebase)s + 1)
),
pg_snapshot_xmax(pg_current_snapshot())::text::bigint - pg_snapshot_xmax(%(base)s::pg_snapshot)::text::bigint >= 64,
EXISTS (SELECT FROM outbox_parked WHERE resolved_at IS NULL AND redrive_asked_at IS NOT NULL)
"""

#: Commits with synchronous_commit = on before anything is published: that flush makes every row of the window
#: durable, so a crash of the database cannot leave an event on Kafka whose row is gone.
#: One statement has one snapshot: what it counts for first_position is what pg_current_snapshot() sees.
#: OFFSET 0 and the OR (see PEEK) keep the planner from answering min() by a walk through the whole history of the
#: primary key. A rebase raises the epoch, so the leader's rebase position is outbox_relay's.
OPEN = """
INSERT INTO outbox_window (generation, window_id, epoch, base_snapshot, snapshot, first_position)
SELECT r.generation, %(window_id)s, r.epoch, %(base)s::pg_snapshot, pg_current_snapshot(), (
    SELECT min(position) FROM (
        SELECT position FROM outbox_event
        WHERE transaction_id >= pg_snapshot_xmax(%(base)s::pg_snapshot)
          AND (position >= %(rebase)s + 1 OR position = %(rebase)s + 1) OFFSET 0
    ) AS fresh)
FROM outbox_relay r WHERE r.epoch = %(epoch)s FOR SHARE
RETURNING snapshot::text, first_position
"""

#: A window that names its positions: all rows of the keys whose redrive was asked for, in order. Its snapshots are
#: those of the window before, so that no row falls between that one and the next. At most 1,000: several follow.
#: In two halves, each by an index of its own: after a rebase millions may be asked for.
OPEN_REDRIVE = """
INSERT INTO outbox_window (generation, window_id, epoch, base_snapshot, snapshot, positions)
SELECT r.generation, %(window_id)s, r.epoch, %(base)s::pg_snapshot, %(base)s::pg_snapshot, ARRAY(
    (SELECT position FROM outbox_parked WHERE resolved_at IS NULL AND redrive_asked_at IS NOT NULL
     ORDER BY position LIMIT 1000)
    UNION ALL
    (SELECT position FROM outbox_parked p
     WHERE resolved_at IS NULL AND redrive_asked_at IS NULL AND EXISTS (
         SELECT FROM outbox_parked a
         WHERE a.resolved_at IS NULL AND a.redrive_asked_at IS NOT NULL
           AND a.topic = p.topic AND a.partition_key = p.partition_key)
     ORDER BY position LIMIT 1000)
    ORDER BY position LIMIT 1000)
FROM outbox_relay r WHERE r.epoch = %(epoch)s FOR SHARE
RETURNING positions
"""

#: The next rows of a window in order of position. "late": rows of transactions that were in flight at the base,
#: below the first new position; "new": everything from there on that the snapshot sees and the base does not.
#: Late rows are read a transaction, at most a page of each, in the order of the index by transaction. Pairs are
#: compared, not positions, because they bound that index and not the primary key, whose order would do as well: with
#: statistics of few transactions the planner walks the whole history in it. The OR prunes table partitions (see PEEK).
#: is_blocked: an earlier row of the key is parked, so this one must wait behind it.
#: The columns are outbox.page.Row's. ce_time is written here (RFC 3339, UTC, microseconds): a third of the cost.
PAGE = """
SELECT position, event_id::text, source, event_type, subject, topic, partition_key, data, headers::text,
       to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
       (topic, partition_key) IN (SELECT topic, partition_key FROM outbox_parked WHERE resolved_at IS NULL)
FROM (
    (SELECT late.* FROM (
        SELECT pg_snapshot_xip(%(base)s::pg_snapshot) EXCEPT SELECT pg_snapshot_xip(%(snapshot)s::pg_snapshot)
     ) AS overtaken (id), LATERAL (
        SELECT * FROM outbox_event
        WHERE transaction_id = overtaken.id
          AND (transaction_id, position) > (overtaken.id, greatest(%(after)s, %(rebase)s))
          AND (transaction_id, position) < (overtaken.id, coalesce(%(first)s, 9223372036854775807))
          AND (position > greatest(%(after)s, %(rebase)s) OR position = greatest(%(after)s, %(rebase)s) + 1)
        ORDER BY position LIMIT %(limit)s) AS late
     ORDER BY position LIMIT %(limit)s)
    UNION ALL
    (SELECT * FROM outbox_event
     WHERE position >= %(first)s AND position > greatest(%(after)s, %(rebase)s)
       AND pg_visible_in_snapshot(transaction_id, %(snapshot)s::pg_snapshot)
       AND NOT pg_visible_in_snapshot(transaction_id, %(base)s::pg_snapshot)
     ORDER BY position LIMIT %(limit)s)
) AS page ORDER BY position LIMIT %(limit)s
"""

#: The next rows of a window that names its positions. is_blocked: an earlier row of the key is parked and not still to
#: come in this very window.
PAGE_OF_POSITIONS = """
SELECT position, event_id::text, source, event_type, subject, topic, partition_key, data, headers::text,
       to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
       EXISTS (SELECT FROM outbox_parked p
               WHERE p.resolved_at IS NULL AND p.topic = e.topic AND p.partition_key = e.partition_key
                 AND p.position < e.position
                 AND (p.position <= %(after)s OR p.position <> ALL (%(positions)s::bigint[])))
FROM outbox_event e
WHERE position = ANY (%(positions)s::bigint[]) AND position > %(after)s
ORDER BY position LIMIT %(limit)s
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

#: The advance of a page that passed rows over, or that published parked ones. A row that is refused again takes its
#: key's wish to be redriven back, or the relay would try for ever.
ADVANCE_PARKING = """
WITH lead AS MATERIALIZED (
    SELECT generation FROM outbox_relay
    WHERE epoch = %(epoch)s AND set_config('synchronous_commit', 'off', true) IS NOT NULL FOR SHARE
), passed AS (
    SELECT * FROM unnest(%(passed)s::bigint[], %(topics)s::text[], %(keys)s::text[], %(reasons)s::text[],
                         %(problems)s::text[]) AS p (position, topic, partition_key, reason, problem)
), parked AS (
    INSERT INTO outbox_parked AS o (position, topic, partition_key, generation, window_id, reason, problem)
    SELECT p.position, p.topic, p.partition_key, lead.generation, %(window_id)s, p.reason, p.problem FROM lead, passed p
    ON CONFLICT ON CONSTRAINT outbox_parked_once DO UPDATE
    SET reason = excluded.reason, problem = excluded.problem, redrive_asked_at = NULL,
        generation = excluded.generation, window_id = excluded.window_id
), given_up AS (
    UPDATE outbox_parked o SET redrive_asked_at = NULL FROM lead
    WHERE o.resolved_at IS NULL AND o.redrive_asked_at IS NOT NULL AND o.position NOT IN (SELECT position FROM passed)
      AND (o.topic, o.partition_key) IN (SELECT topic, partition_key FROM passed WHERE reason = 'refused')
), resolved AS (
    UPDATE outbox_parked o SET resolved_at = clock_timestamp() FROM lead
    WHERE o.resolved_at IS NULL AND o.position = ANY (%(published)s::bigint[])
)
INSERT INTO outbox_progress (generation, window_id, page, position, first_position, count, parked, is_complete, offsets)
SELECT lead.generation, %(window_id)s, %(page)s, %(position)s, %(first)s, %(count)s, %(parked)s, %(is_complete)s,
       %(offsets)s::jsonb
FROM lead
RETURNING page
"""

#: A wish to the leader, by position or by key; the rows of a key go together. Answers every key that is concerned.
ASK_FOR_REDRIVE = """
WITH wished AS (
    SELECT DISTINCT topic, partition_key FROM outbox_parked
    WHERE resolved_at IS NULL AND (%(everything)s OR position = ANY (%(positions)s) OR partition_key = ANY (%(keys)s))
)
UPDATE outbox_parked o SET redrive_asked_at = clock_timestamp()
FROM wished WHERE o.resolved_at IS NULL AND o.topic = wished.topic AND o.partition_key = wished.partition_key
RETURNING o.topic, o.partition_key, o.position
"""

#: Where a position was published: the window whose snapshots enclose its transaction or that names it, the page that
#: covers it, unless it was passed over there, or later, or found missing after that.
#: The parameter stands in every condition: a walk along outbox_progress_by_position from there, not a join with the
#: log; OFFSET 0 keeps the planner from making one.
COORDINATES = """
SELECT p.generation, p.window_id, p.page, p.published_at, p.count + p.parked, p.first_position, p.position,
       p.offsets,
       w.base_snapshot::text, w.snapshot::text, w.first_position, w.positions
FROM outbox_progress p JOIN outbox_window w USING (generation, window_id)
WHERE p.position >= %(position)s AND p.first_position <= %(position)s AND p.count > 0 AND EXISTS (
    SELECT FROM outbox_event e
    WHERE e.position = %(position)s AND (e.position = ANY (w.positions) OR w.positions IS NULL
      AND pg_visible_in_snapshot(e.transaction_id, w.snapshot)
      AND NOT pg_visible_in_snapshot(e.transaction_id, w.base_snapshot)) OFFSET 0)
  AND NOT EXISTS (SELECT FROM outbox_parked o
                  WHERE o.position = %(position)s AND (o.generation, o.window_id) >= (p.generation, p.window_id))
ORDER BY p.position LIMIT 1
"""

#: Is a row published although no page tells where? Then pruning took its window away, unless the row is parked.
IS_PRUNED = """
SELECT EXISTS (
    SELECT FROM outbox_event e, outbox_relay r, LATERAL (
        SELECT w.snapshot FROM outbox_window w JOIN outbox_progress p USING (generation, window_id)
        WHERE w.generation = r.generation AND p.is_complete ORDER BY w.window_id DESC LIMIT 1
    ) AS complete
    WHERE e.position = %(position)s
      AND (e.position <= r.rebase_position OR pg_visible_in_snapshot(e.transaction_id, complete.snapshot))
      AND NOT EXISTS (SELECT FROM outbox_parked o WHERE o.position = e.position AND o.resolved_at IS NULL))
"""
