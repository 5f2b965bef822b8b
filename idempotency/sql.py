"""The statements of a request's key, named; the why stands on each. Parameters are psycopg's."""

#: The transaction's first statements. The lock does not wait: without it a second press would wait on the unique index
#: until the first is done, holding a connection. Two statements in one round trip, which Django's client-side binding
#: allows. One statement would be wrong: its snapshot is older than its lock, so it misses the answer of a press that
#: has just let go.
LOCK_AND_LOOK = """
SELECT pg_try_advisory_xact_lock(hashtextextended(%(principal)s || E'\\x1f' || %(key)s, 0));
SELECT request_digest, status, body, headers::text FROM idempotency_key
WHERE key = %(key)s AND principal = %(principal)s
"""

STORE = """
INSERT INTO idempotency_key (principal, key, request_digest, status, body, headers, created_at)
VALUES (%(principal)s, %(key)s, %(digest)s, %(status)s, %(body)s, %(headers)s, statement_timestamp())
"""
