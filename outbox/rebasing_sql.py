"""The statements of a rebase, named; the why stands on each. See outbox/rebasing.py."""

#: What the log says of itself: the database it was published from, its newest window, and the topics it knows.
STANDING = """
SELECT r.identity, r.generation, (SELECT max(window_id) FROM outbox_window w WHERE w.generation = r.generation),
       r.topic_ids::text
FROM outbox_relay r
"""

#: Who holds the lease, and for how many seconds more.
LEASE = "SELECT owner, extract(epoch FROM lease_until - clock_timestamp())::float8 FROM outbox_relay"

#: The newest offset of each partition that an acknowledged page tells. Newest, not highest: offsets of a topic that
#: was made again begin at 0.
KNOWN_OFFSETS = """
SELECT DISTINCT ON (t.topic, p.number) t.topic, p.number::int, (p.span ->> 1)::bigint
FROM outbox_progress o, jsonb_each(o.offsets) AS t (topic, spans), jsonb_each(t.spans) AS p (number, span)
ORDER BY t.topic, p.number, o.generation DESC, o.window_id DESC, o.page DESC
"""

#: Which of these events the log has.
LOOK_UP = """
SELECT event_id::text, position FROM outbox_event WHERE event_id = ANY (%(ids)s::uuid[]) AND source = %(source)s
"""

#: Every row that the log does not count as published, and those from %(from)s on that it does; and why it is parked.
#: Not published: above the highest position that a page published; or not seen by the newest window's snapshot; or of
#: that window, which is not complete, beyond its newest page; or named by it and beyond that; or parked.
#: The first one finds rows that were recorded in a new cluster: their ids are small, and old snapshots see them.
#: Rows up to the rebase position were settled by the rebase before, and are parked unless they are published.
#: OFFSET 0 and the OR: by the index of transactions, as in sql.PEEK and sql.OPEN.
UNPUBLISHED = """
WITH newest AS MATERIALIZED (
    SELECT r.rebase_position AS rebase, w.snapshot, w.base_snapshot AS base, w.positions,
           coalesce(p.position, 0) AS published, coalesce(p.is_complete, false) AS is_complete,
           (SELECT coalesce(max(position), 0) FROM outbox_progress) AS highest
    FROM outbox_relay r
    JOIN LATERAL (SELECT * FROM outbox_window WHERE generation = r.generation ORDER BY window_id DESC LIMIT 1) w ON true
    LEFT JOIN LATERAL (SELECT * FROM outbox_progress WHERE generation = r.generation AND window_id = w.window_id
                       ORDER BY page DESC LIMIT 1) p ON true
), unpublished AS (
    SELECT e.position FROM newest n JOIN outbox_event e ON e.position > greatest(n.highest, n.rebase)
    UNION
    SELECT e.position FROM newest n, LATERAL (
        SELECT position, transaction_id FROM outbox_event
        WHERE transaction_id >= pg_snapshot_xmin(n.snapshot) AND (position >= n.rebase + 1 OR position = n.rebase + 1)
        OFFSET 0) e
    WHERE NOT pg_visible_in_snapshot(e.transaction_id, n.snapshot)
    UNION
    SELECT e.position FROM newest n, LATERAL (
        SELECT position, transaction_id FROM outbox_event
        WHERE transaction_id >= pg_snapshot_xmin(n.base) AND (position >= n.rebase + 1 OR position = n.rebase + 1)
        OFFSET 0) e
    WHERE NOT n.is_complete AND n.positions IS NULL AND e.position > n.published
      AND NOT pg_visible_in_snapshot(e.transaction_id, n.base)
    UNION
    SELECT named.position FROM newest n, unnest(n.positions) AS named (position)
    WHERE NOT n.is_complete AND named.position > n.published
    UNION
    SELECT position FROM outbox_parked WHERE resolved_at IS NULL
    UNION
    SELECT position FROM outbox_event WHERE position >= %(from)s::bigint
)
SELECT u.position, p.reason
FROM unpublished u LEFT JOIN outbox_parked p ON p.position = u.position AND p.resolved_at IS NULL
ORDER BY u.position
"""

#: What a person reads of a row.
DESCRIBE = """
SELECT position, topic, event_type, event_id::text, partition_key,
       to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
FROM outbox_event WHERE position = ANY (%(positions)s) ORDER BY position
"""

#: Waits for every transaction that has recorded an event, prepared ones too, and lets none begin; readers are not
#: held up. Without it a row that is in flight now, and has a position below the next one, would never be published.
LOCK = "LOCK TABLE outbox_event IN SHARE ROW EXCLUSIVE MODE"

#: A relay that took the lease meanwhile has raised the epoch; from here on none can take it.
FENCE = "SELECT epoch FROM outbox_relay WHERE epoch = %(epoch)s FOR UPDATE"

#: The relay publishes what is asked for in windows that name positions, before it opens any other.
PARK_MISSING = """
INSERT INTO outbox_parked (position, topic, partition_key, generation, window_id, reason, problem, redrive_asked_at)
SELECT position, topic, partition_key, %(generation)s, 0, 'missing', %(problem)s, clock_timestamp()
FROM outbox_event WHERE position = ANY (%(positions)s)
ON CONFLICT ON CONSTRAINT outbox_parked_once DO UPDATE
SET generation = excluded.generation, window_id = excluded.window_id, reason = excluded.reason,
    problem = excluded.problem, parked_at = excluded.parked_at, redrive_asked_at = excluded.redrive_asked_at,
    resolved_at = NULL
"""

#: Parked here, and on the topic: a redrive published it after the backup was taken.
RESOLVE = """
UPDATE outbox_parked SET resolved_at = clock_timestamp() WHERE resolved_at IS NULL AND position = ANY (%(positions)s)
"""

#: The next position is the first of a table partition that no row is in: all others are pruned from then on.
#: The only write that a rollback does not undo; it costs numbers.
SKIP_POSITIONS = "SELECT setval('outbox_event_position', %(position)s)"

#: The windows begin anew, with what is visible now as the base: under the lock, that is every row of the log.
#: topic_ids: the next leader notes which topics it finds. lease_until: it may lead at once.
REBASE = """
WITH rebased AS (
    UPDATE outbox_relay SET generation = %(generation)s, rebase_position = %(position)s, identity = %(identity)s,
        topic_ids = '{}', lease_until = '-infinity'
    WHERE epoch = %(epoch)s RETURNING generation, epoch
), opened AS (
    INSERT INTO outbox_window (generation, window_id, epoch, base_snapshot, snapshot)
    SELECT generation, 0, epoch, pg_current_snapshot(), pg_current_snapshot() FROM rebased RETURNING generation
)
INSERT INTO outbox_progress (generation, window_id, page, position, first_position, count, is_complete, offsets)
SELECT generation, 0, 0, 0, 0, 0, true, %(offsets)s::jsonb FROM opened RETURNING generation
"""
