"""The statements of the watching: who runs, what waits, what is wrong. See inbox/sql.py for the consumer's own."""

#: One statement, its commit asynchronous: a lost beat is written again a second later. Owners that are gone for an hour
#: are removed; the own row is left out, for one statement cannot change a row twice.
BEAT = """
WITH gone AS (
    DELETE FROM inbox_heartbeat WHERE beat_at < clock_timestamp() - interval '1 hour' AND owner <> %(owner)s
)
INSERT INTO inbox_heartbeat (owner, consumer, beat_at, unassigned_at, turned_at, session, partitions, in_hand,
                             lag_seconds, problem)
SELECT %(owner)s, %(consumer)s, clock_timestamp(),
       clock_timestamp() - %(unassigned_seconds)s::float8 * interval '1 second',
       clock_timestamp() - %(turn_seconds)s * interval '1 second', %(session)s, %(partitions)s::jsonb, %(in_hand)s,
       %(lag_seconds)s, %(problem)s
WHERE set_config('synchronous_commit', 'off', true) IS NOT NULL
ON CONFLICT (owner) DO UPDATE SET beat_at = excluded.beat_at,
    unassigned_at = excluded.unassigned_at, turned_at = excluded.turned_at,
    session = excluded.session, partitions = excluded.partitions, in_hand = excluded.in_hand,
    lag_seconds = excluded.lag_seconds, problem = excluded.problem
"""

#: A consumer that stops in good order is not missed.
STOP_BEATING = "DELETE FROM inbox_heartbeat WHERE owner = %(owner)s"

#: The newest beat first.
BEATS = """
SELECT owner, extract(epoch FROM clock_timestamp() - beat_at)::float8,
       extract(epoch FROM clock_timestamp() - unassigned_at)::float8,
       extract(epoch FROM clock_timestamp() - turned_at)::float8,
       session, partitions::text, in_hand, lag_seconds, problem
FROM inbox_heartbeat WHERE consumer = %(consumer)s ORDER BY beat_at DESC
"""

#: Events that need a person, and of how many keys: from an index of those alone, up to a bound.
PARKED = """
SELECT count(*), count(DISTINCT (topic, partition_key)) FILTER (WHERE partition_key <> '')
FROM (SELECT topic, partition_key FROM inbox_parked
      WHERE consumer = %(consumer)s AND resolved_at IS NULL LIMIT %(most)s) p
"""

#: What the handlers' session does, and who holds the lock that it waits for; a prepared transaction has the number 0.
SESSION = """
SELECT coalesce(a.state, 'unknown'), extract(epoch FROM clock_timestamp() - a.state_change)::float8,
       b.pid, coalesce(o.state, ''), coalesce(o.application_name, ''),
       coalesce(extract(epoch FROM clock_timestamp() - o.xact_start), 0)::float8
FROM pg_stat_activity a LEFT JOIN LATERAL unnest(pg_blocking_pids(a.pid)) AS b (pid) ON true
LEFT JOIN pg_stat_activity o ON o.pid = b.pid
WHERE a.pid = %(session)s AND a.datname = current_database()
"""

#: Where each partition goes on, and why it does not.
OFFSETS = """
SELECT topic || '/' || partition, topic, next_offset, problem FROM inbox_inboxoffset
WHERE consumer = %(consumer)s ORDER BY topic, partition
"""
