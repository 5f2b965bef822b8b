"""The auditor's statements, named; the why stands on each. All are reads, and none holds a snapshot for long."""

#: As in sql.SESSION: served by an index whatever the statistics say.
SESSION = "SELECT set_config('enable_seqscan', 'off', false)"

#: Which windows of this generation can be audited: snapshots of another generation may be another cluster's.
RANGE = """
SELECT min(p.window_id), max(p.window_id) FROM outbox_progress p JOIN outbox_relay r USING (generation)
"""

#: The next acknowledged pages in order, a few at once.
PAGES = """
SELECT p.generation, p.window_id, p.page, p.position, p.count + p.parked, p.is_complete, p.offsets::text,
       w.base_snapshot::text, w.snapshot::text, w.first_position, w.positions, r.rebase_position
FROM outbox_relay r
JOIN outbox_progress p USING (generation)
JOIN outbox_window w ON w.generation = p.generation AND w.window_id = p.window_id
WHERE (p.window_id, p.page) > (%(window_id)s, %(page)s) AND p.window_id <= %(last)s
ORDER BY p.window_id, p.page LIMIT 100
"""

#: Rows that this window passed over: not on the topic by intent.
PARKED = """
SELECT position FROM outbox_parked
WHERE generation = %(generation)s AND window_id = %(window_id)s AND position > %(after)s
"""

#: A record that its page does not know: an older page's that was published twice, or no row at all.
BY_ID = """
SELECT position, event_id::text, source, event_type, subject, topic, partition_key, data, headers::text,
       to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
       false
FROM outbox_event WHERE event_id = %(event_id)s::uuid AND source = %(source)s
"""
