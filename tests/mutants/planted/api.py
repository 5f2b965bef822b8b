"""Planted bugs of what both APIs are asked through."""

from tests.mutants.mutant import Mutant

MUTANTS = [
    Mutant(
        "key-of-another-principal-replayed", "idempotency/answering.py",
        "return request.user.get_username()", 'return ""',
        "tests/integration/test_access.py::"
        "test_an_idempotency_key_belongs_to_the_owner_of_the_token_whichever_token_it_is",
    ),
    Mutant(
        "cursor-that-skips-equal-times", "payments/listing.py",
        "for bound in (cursor, created_to", "for bound in (cursor and UUID(int=cursor.int >> 80 << 80), created_to",
        "tests/integration/test_payment_life.py::"
        "test_pages_follow_each_other_without_gap_or_repeat",
    ),
    Mutant(
        "body-limit-ignored", "services/settings/base.py",
        "DATA_UPLOAD_MAX_MEMORY_SIZE = 65_536", "DATA_UPLOAD_MAX_MEMORY_SIZE = None",
        "tests/integration/test_api.py::test_a_body_over_the_limit_is_413",
    ),
    Mutant(
        "key-looked-up-without-lock", "idempotency/sql.py",
        "pg_try_advisory_xact_lock(hashtextextended(%(principal)s || E'\\\\x1f' || %(key)s, 0))", "true",
        "tests/integration/test_api.py::test_a_request_that_still_runs_is_409",
    ),
    Mutant(
        "nudge-asks-for-its-call", "payments/calling.py",
        "partial(_nudge, call.pk)", "partial(_nudge, payment.gateway_calls.get().pk)",
        "tests/integration/test_api.py::test_key_and_event_cost_a_payment_three_statements",
    ),
]  # fmt: skip
