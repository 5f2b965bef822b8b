"""The inbox's statements, named; the why stands on each. Parameters are psycopg's."""

#: In one order for everybody, or two consumers deadlock in the middle of a rebalance.
LOCK_OFFSETS = """
SELECT topic, partition, next_offset FROM inbox_inboxoffset
WHERE consumer = %(consumer)s
  AND (topic, partition) IN (SELECT * FROM unnest(%(topics)s::text[], %(partitions)s::int[]))
ORDER BY topic, partition FOR UPDATE
"""

MOVE_OFFSETS = """
UPDATE inbox_inboxoffset AS o
SET next_offset = n.next_offset, furthest_offset = greatest(o.furthest_offset, n.next_offset)
FROM unnest(%(topics)s::text[], %(partitions)s::int[], %(offsets)s::bigint[]) AS n (topic, partition, next_offset)
WHERE o.consumer = %(consumer)s AND o.topic = n.topic AND o.partition = n.partition
"""

#: ON CONFLICT: two consumers may start at the same partition at once; the first one's offset stands.
START_OFFSET = """
INSERT INTO inbox_inboxoffset (consumer, topic, partition, next_offset, topic_id, partition_count, problem)
VALUES (%(consumer)s, %(topic)s, %(partition)s, %(next_offset)s, %(topic_id)s, %(partition_count)s, '')
ON CONFLICT DO NOTHING
"""

#: What an offset belongs to, where that is not known yet.
NOTE_TOPIC = """
UPDATE inbox_inboxoffset SET topic_id = %(topic_id)s, partition_count = %(partition_count)s
WHERE consumer = %(consumer)s AND topic = %(topic)s AND partition = %(partition)s AND topic_id = ''
"""

#: No row comes back when it is stopped already, or moved on: then somebody else has said so.
STOP_PARTITION = """
UPDATE inbox_inboxoffset SET stopped_at = clock_timestamp(), problem = %(problem)s
WHERE consumer = %(consumer)s AND topic = %(topic)s AND partition = %(partition)s AND next_offset = %(next_offset)s
  AND stopped_at IS NULL
RETURNING id
"""

#: A person's word: the offset, and that the topic as it is now is the right one. How far the consumer had been is kept,
#: unless that was in another topic.
MOVE_BY_HAND = """
UPDATE inbox_inboxoffset
SET next_offset = %(next_offset)s, topic_id = %(topic_id)s, partition_count = %(partition_count)s,
    furthest_offset = CASE WHEN topic_id IN ('', %(topic_id)s)
                           THEN greatest(furthest_offset, next_offset, %(next_offset)s) ELSE %(next_offset)s END,
    stopped_at = NULL, problem = ''
WHERE consumer = %(consumer)s AND topic = %(topic)s AND partition = %(partition)s
"""

#: Sorted by id: two transactions that insert the same ids in different orders deadlock; by bytes, which is the quickest
#: order that is the same for all. What comes back is fresh. %b: binary, text costs five times as much.
#: An id within the horizon was pruned, and is not fresh. `counted` is the sequence where that counts, else empty, which
#: is below every horizon. Never in the statement that locks the offsets: its snapshot is older than the lock.
#: MATERIALIZED: beside an old transaction an updated row has many dead versions; they are walked once, not once an id.
REMEMBER = """
WITH h AS MATERIALIZED (
    SELECT source, topic, partition, event_type, lowest, highest FROM inbox_horizon WHERE consumer = %(consumer)s)
INSERT INTO inbox_inboxevent (consumer, source, event_id, event_type, partition_key, sequence, topic, partition,
                              "offset", digest, data, headers, received_at)
SELECT %(consumer)s, source, event_id, event_type, partition_key, sequence, topic, partition, "offset", digest, data,
       headers, statement_timestamp()
FROM unnest(%(source)b::text[], %(event_id)b::text[], %(event_type)b::text[], %(partition_key)b::text[],
            %(sequence)b::text[], %(topic)b::text[], %(partition)b::int[], %(offset)b::bigint[], %(digest)b::bytea[],
            %(data)b::text[], %(headers)b::text[], %(counted)b::text[]) WITH ORDINALITY
    AS e (source, event_id, event_type, partition_key, sequence, topic, partition, "offset", digest, data, headers,
          counted, n)
WHERE NOT EXISTS (
    SELECT FROM h
    WHERE h.source = e.source AND h.topic = e.topic AND h.partition = e.partition
      AND h.event_type = e.event_type AND e.counted >= h.lowest AND e.counted <= h.highest)
ORDER BY event_id COLLATE "C", source COLLATE "C", n
ON CONFLICT ON CONSTRAINT inbox_event_once_per_consumer DO NOTHING
RETURNING source, event_id
"""

#: What a known id held when it was first received.
DIGESTS = """
SELECT source, event_id, digest FROM inbox_inboxevent
WHERE consumer = %(consumer)s
  AND (source, event_id) IN (SELECT * FROM unnest(%(source)b::text[], %(event_id)b::text[]))
"""

#: Keys with a parked event: later events of the key queue behind it, others flow. By partition, as order is: the lock
#: on the partition's offset row covers the answer.
BLOCKED_KEYS = """
SELECT DISTINCT topic, partition, partition_key FROM inbox_parked
WHERE consumer = %(consumer)s AND resolved_at IS NULL AND reason IN ('failed', 'queued')
  AND partition_key = ANY (%(keys)b::text[])
"""

#: One row a content, whatever the reason, or a redrive would apply it twice. A third content under a known id is put
#: away like the second one. Sorted as in REMEMBER.
PARK = """
INSERT INTO inbox_parked (consumer, source, event_id, reason, problem, fingerprint, attempts, topic, partition,
                          "offset", partition_key, key, value, digest, headers, parked_at, resolution, resolved_by,
                          discard_reason)
SELECT %(consumer)s, source, event_id, reason, problem, fingerprint, attempts, topic, partition, "offset",
       partition_key, key, value, digest, headers::jsonb, statement_timestamp(), '', '', ''
FROM unnest(%(source)s::text[], %(event_id)s::text[], %(reason)s::text[], %(problem)s::text[], %(fingerprint)s::text[],
            %(attempts)s::int[], %(topic)s::text[], %(partition)s::int[], %(offset)s::bigint[],
            %(partition_key)s::text[], %(key)s::bytea[], %(value)s::bytea[], %(digest)s::bytea[], %(headers)s::text[])
    WITH ORDINALITY
    AS p (source, event_id, reason, problem, fingerprint, attempts, topic, partition, "offset", partition_key, key,
          value, digest, headers, n)
ORDER BY source COLLATE "C", event_id COLLATE "C", n
ON CONFLICT ON CONSTRAINT inbox_parked_once_per_content DO NOTHING
"""

BEGIN_PIECE = "SAVEPOINT inbox_piece"

#: Deferred constraints are checked here: at COMMIT one event that breaks them would fail its whole batch.
KEEP_PIECE = """
SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED; RELEASE SAVEPOINT inbox_piece; SAVEPOINT inbox_piece
"""

UNDO_PIECE = "ROLLBACK TO SAVEPOINT inbox_piece"

#: The next ids to look at, by partition, in the order in which they were received; NULL where none is old enough.
#: Walks the primary key from where the last chunk ended: what is kept, or dead and not vacuumed yet, is passed once a
#: run, and no index serves pruning alone.
OLD_IDS = """
SELECT consumer, topic, partition, max(id),
       array_agg(id) FILTER (WHERE received_at < statement_timestamp() - %(days)s * interval '1 day')
FROM (SELECT id, consumer, topic, partition, received_at FROM inbox_inboxevent
      WHERE id > %(after)s ORDER BY id LIMIT %(limit)s) AS next
GROUP BY consumer, topic, partition ORDER BY consumer, topic, partition
"""

#: Which may go. A parked event keeps its id until it is resolved and old; a discarded one for good: nothing else says
#: that it never took effect, and a replay asks (NOT_APPLIED). What a consumer that was sent back has
#: not passed again stays, or the horizon's span would hold what it has not seen.
#: OFFSET 0 keeps the planner from joining: where inbox_parked was not analysed it read and sorted all of it for every
#: chunk (90 ms beside 50,000 parked events). MATERIALIZED: as in REMEMBER.
PRUNABLE = """
WITH o AS MATERIALIZED (
    SELECT next_offset FROM inbox_inboxoffset
    WHERE consumer = %(consumer)s AND topic = %(topic)s AND partition = %(partition)s
), ahead AS MATERIALIZED (
    SELECT h.source, h.event_type FROM inbox_horizon AS h JOIN o ON h."offset" >= o.next_offset
    WHERE h.consumer = %(consumer)s AND h.topic = %(topic)s AND h.partition = %(partition)s
)
SELECT e.id FROM inbox_inboxevent AS e JOIN o ON e."offset" < o.next_offset
WHERE e.id = ANY (%(ids)s::bigint[]) AND NOT EXISTS (
    SELECT FROM inbox_parked AS p
    WHERE p.consumer = e.consumer AND p.source = e.source AND p.event_id = e.event_id
      AND (p.resolved_at IS NULL OR p.resolution = 'discarded'
           OR p.resolved_at >= statement_timestamp() - %(days)s * interval '1 day')
    OFFSET 0
) AND NOT EXISTS (SELECT FROM ahead WHERE ahead.source = e.source AND ahead.event_type = e.event_type)
"""

#: The ids, then the horizon, in one statement: no code comes between the two. Parked rows go with their id: else other
#: contents under it would be put away anew; LATERAL, OFFSET 0 and ARRAY are there for the same plan as above.
#: Types longer than any handler's would not fit the horizon's index.
PRUNE = """
WITH pruned AS (
    DELETE FROM inbox_inboxevent AS e WHERE e.id = ANY (%(ids)s::bigint[])
    RETURNING e.consumer, e.source, e.event_id, e.event_type, e.topic, e.partition, e."offset",
              e.sequence COLLATE "C" AS sequence
), resolved AS (
    DELETE FROM inbox_parked WHERE id = ANY (ARRAY(
        SELECT parked.id FROM pruned CROSS JOIN LATERAL (
            SELECT p.id FROM inbox_parked AS p
            WHERE p.consumer = pruned.consumer AND p.source = pruned.source AND p.event_id = pruned.event_id OFFSET 0
        ) AS parked))
), raised AS (
    INSERT INTO inbox_horizon AS h (consumer, source, topic, partition, event_type, lowest, highest, "offset")
    SELECT consumer, source, topic, partition, event_type, min(sequence), max(sequence), max("offset") FROM pruned
    WHERE (source, topic) IN (SELECT * FROM unnest(%(sources)s::text[], %(topics)s::text[]))
      AND sequence ~ %(well_formed)s AND octet_length(event_type) <= 255
    GROUP BY consumer, source, topic, partition, event_type
    ON CONFLICT ON CONSTRAINT inbox_horizon_once_per_type DO UPDATE
    SET lowest = least(h.lowest, excluded.lowest), highest = greatest(h.highest, excluded.highest),
        "offset" = greatest(h."offset", excluded."offset")
)
SELECT count(*) FROM pruned
"""

#: Unreadable records have no id among the others; resolved and old, they go by themselves. Not those that were
#: discarded: code that can read them may replay them.
PRUNE_UNREADABLE = """
DELETE FROM inbox_parked WHERE id IN (
    SELECT id FROM inbox_parked
    WHERE reason = 'unreadable' AND resolved_at < statement_timestamp() - %(days)s * interval '1 day'
      AND resolution <> 'discarded'
    ORDER BY resolved_at LIMIT %(limit)s)
"""

SESSION = "SELECT set_config('idle_in_transaction_session_timeout', %(budget)s, false)"

#: A redrive or a pruning that is stopped must not hold its partition for ever.
BUDGET = "SELECT set_config('idle_in_transaction_session_timeout', %(budget)s, true)"

#: Unresolved ones that failed themselves, since the last so many events were received; no more are counted than matter.
#: What no topic carried is never parked: counted among the last ones, it would hide those that are.
COUNT_PARKED = """
SELECT count(*) FROM (
    SELECT FROM inbox_parked
    WHERE consumer = %(consumer)s AND resolved_at IS NULL AND reason <> 'queued'
      AND parked_at >= coalesce((SELECT received_at FROM inbox_inboxevent WHERE consumer = %(consumer)s AND topic <> ''
                                 ORDER BY id DESC OFFSET %(window)s LIMIT 1), '-infinity')
    LIMIT %(most)s) AS p
"""

#: How far a consumer has received, by partition; one that was sent back had been further. Replays end there.
RECEIVED = """
SELECT topic, partition, greatest(next_offset, furthest_offset), topic_id, partition_count FROM inbox_inboxoffset
WHERE consumer = %(consumer)s AND topic = ANY (%(topics)s::text[]) ORDER BY topic, partition
"""

#: The same, while nothing is received, redriven or pruned of any of them. In the order of LOCK_OFFSETS.
RECEIVED_AND_LOCKED = RECEIVED + " FOR UPDATE"

#: What was received and has had no effect (yet): a replay leaves it out. Contents, not ids: another one under the id
#: may have taken the place of a discarded one.
NOT_APPLIED = """
SELECT id, source, event_id, digest FROM inbox_parked
WHERE consumer = %(consumer)s AND (resolved_at IS NULL OR resolution = 'discarded')
"""

#: Where an event is, in one snapshot: a parked one has its id among the others, too. An id with another content in
#: quarantine took effect. Last: was anything of that source pruned?
ARRIVAL = """
SELECT EXISTS (SELECT FROM inbox_parked
               WHERE consumer = %(consumer)s AND source = %(source)s AND event_id = %(event_id)s
                 AND resolved_at IS NULL AND reason IN ('failed', 'queued')),
       EXISTS (SELECT FROM inbox_inboxevent
               WHERE consumer = %(consumer)s AND source = %(source)s AND event_id = %(event_id)s),
       EXISTS (SELECT FROM inbox_horizon WHERE consumer = %(consumer)s AND source = %(source)s)
"""
