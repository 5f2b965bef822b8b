"""The inbox's statements, named; the why stands on each. Parameters are psycopg's."""

#: In one order for everybody, or two consumers deadlock in the middle of a rebalance.
LOCK_OFFSETS = """
SELECT topic, partition, next_offset FROM inbox_inboxoffset
WHERE consumer = %(consumer)s
  AND (topic, partition) IN (SELECT * FROM unnest(%(topics)s::text[], %(partitions)s::int[]))
ORDER BY topic, partition FOR UPDATE
"""

MOVE_OFFSETS = """
UPDATE inbox_inboxoffset AS o SET next_offset = n.next_offset
FROM unnest(%(topics)s::text[], %(partitions)s::int[], %(offsets)s::bigint[]) AS n (topic, partition, next_offset)
WHERE o.consumer = %(consumer)s AND o.topic = n.topic AND o.partition = n.partition
"""

#: ON CONFLICT: two consumers may start at the same partition at once; the first one's offset stands.
START_OFFSET = """
INSERT INTO inbox_inboxoffset (consumer, topic, partition, next_offset)
VALUES (%(consumer)s, %(topic)s, %(partition)s, %(next_offset)s) ON CONFLICT DO NOTHING
"""

#: Sorted by id: two transactions that insert the same ids in different orders deadlock. What comes back is fresh.
REMEMBER = """
INSERT INTO inbox_inboxevent (consumer, source, event_id, event_type, partition_key, sequence, topic, partition,
                              "offset", digest, data, received_at)
SELECT %(consumer)s, source, event_id, event_type, partition_key, sequence, topic, partition, "offset", digest, data,
       statement_timestamp()
FROM unnest(%(source)s::text[], %(event_id)s::text[], %(event_type)s::text[], %(partition_key)s::text[],
            %(sequence)s::text[], %(topic)s::text[], %(partition)s::int[], %(offset)s::bigint[], %(digest)s::bytea[],
            %(data)s::text[])
    AS e (source, event_id, event_type, partition_key, sequence, topic, partition, "offset", digest, data)
ORDER BY source, event_id
ON CONFLICT ON CONSTRAINT inbox_event_once_per_consumer DO NOTHING
RETURNING source, event_id
"""

#: What a known id held when it was first received.
DIGESTS = """
SELECT source, event_id, digest FROM inbox_inboxevent
WHERE consumer = %(consumer)s
  AND (source, event_id) IN (SELECT * FROM unnest(%(source)s::text[], %(event_id)s::text[]))
"""

#: Keys with a parked event: later events of the key queue behind it, others flow. By partition, as order is: the lock
#: on the partition's offset row covers the answer.
BLOCKED_KEYS = """
SELECT DISTINCT topic, partition, partition_key FROM inbox_parked
WHERE consumer = %(consumer)s AND resolved_at IS NULL AND reason IN ('failed', 'queued')
  AND partition_key = ANY (%(keys)s::text[])
"""

#: One row a content, whatever the reason, or a redrive would apply it twice. A third content under a known id is put
#: away like the second one.
PARK = """
INSERT INTO inbox_parked (consumer, source, event_id, reason, problem, fingerprint, attempts, topic, partition,
                          "offset", partition_key, key, value, digest, headers, parked_at, resolution, resolved_by,
                          discard_reason)
VALUES (%(consumer)s, %(source)s, %(event_id)s, %(reason)s, %(problem)s, %(fingerprint)s, %(attempts)s, %(topic)s,
        %(partition)s, %(offset)s, %(partition_key)s, %(key)s, %(value)s, %(digest)s, %(headers)s::jsonb,
        statement_timestamp(), '', '', '')
ON CONFLICT ON CONSTRAINT inbox_parked_once_per_content DO NOTHING
"""

SESSION = "SELECT set_config('idle_in_transaction_session_timeout', %(budget)s, false)"
