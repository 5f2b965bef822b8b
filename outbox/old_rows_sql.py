"""The statements about parked rows that are older than what inboxes remember."""

#: Of the keys that are named, or that the positions belong to: the rows whose id an inbox may have forgotten.
OLD_ROWS = """
SELECT p.position, p.topic, p.partition_key, e.event_id::text, e.source, e.occurred_at
FROM outbox_parked p JOIN outbox_event e USING (position)
WHERE p.resolved_at IS NULL AND e.occurred_at < clock_timestamp() - %(days)s * interval '1 day'
  AND (p.topic, p.partition_key) IN (
    SELECT topic, partition_key FROM outbox_parked
    WHERE resolved_at IS NULL AND (%(everything)s OR position = ANY (%(positions)s) OR partition_key = ANY (%(keys)s)))
ORDER BY p.position
"""

#: Not a row whose redrive is asked for: the leader may be publishing it.
RESOLVE_PUBLISHED = """
UPDATE outbox_parked SET resolved_at = clock_timestamp(), redrive_asked_at = NULL
WHERE resolved_at IS NULL AND redrive_asked_at IS NULL AND position = ANY (%(positions)s)
"""
