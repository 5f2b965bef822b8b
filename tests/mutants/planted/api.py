"""Planted bugs of what both APIs are asked through."""

from tests.mutants.mutant import Mutant

BOOKMARKS = "tests/integration/test_bookmarks.py::"

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
    Mutant(
        "bookmark-ignored", "bookmarks/waiting.py",
        "if text is None:", "if True:",
        BOOKMARKS + "test_every_read_of_what_payments_changes_takes_a_bookmark",
    ),
    Mutant(
        "bookmark-waited-for-without-end", "bookmarks/waiting.py",
        "seconds=bookmark_settings().wait_seconds", "seconds=20",
        BOOKMARKS + "test_the_wait_is_bounded",
    ),
    Mutant(
        "bookmark-keeps-its-place", "bookmarks/waiting.py",
        "places.release()", "pass",
        BOOKMARKS + "test_who_finds_no_place_to_wait_looks_once_and_places_are_given_back",
    ),
    Mutant(
        "bookmark-of-any-source", "bookmarks/bookmark.py",
        "if source not in known:", "if not source:",
        BOOKMARKS + "test_what_no_service_that_is_read_here_gave_out_is_400",
    ),
    Mutant(
        "bookmark-parked-is-applied", "inbox/sql.py",
        "AND resolved_at IS NULL AND reason IN ('failed', 'queued')),", "AND false),",
        BOOKMARKS + "test_a_parked_write_is_told_at_once_until_a_person_has_resolved_it",
    ),
    Mutant(
        "bookmark-of-nothing", "payments/operations.py",
        "record(captured, event_id=event_id)", "record(captured)",
        "tests/integration/test_given_bookmarks.py::"
        "test_a_bookmark_names_the_event_that_tells_how_the_write_ended_and_billing_remembers_its_type",
    ),
    Mutant(
        "bookmark-not-replayed", "idempotency/answering.py",
        'json.loads(headers) | {"Idempotent-Replayed": "true"}', '{"Idempotent-Replayed": "true"}',
        "tests/integration/test_given_bookmarks.py::test_the_second_press_gets_the_same_bookmark",
    ),
    Mutant(
        "young-keys-pruned", "idempotency/pruning.py",
        "if created_at < before]", "if created_at < before or pk]",
        "tests/integration/test_idempotency_keys.py"
        "::test_a06_a_key_that_expired_is_new_again_and_one_that_has_not_is_replayed",
    ),
    Mutant(
        "what-cannot-be-an-id-asked-of-the-database", "billing/api/subscriptions.py",
        ' if "\\x00" not in key else None', "",
        "tests/integration/test_billing_api.py::test_what_is_not_there_is_404",
    ),
    Mutant(
        "refusals-left-out-of-the-document", "services/openapi.py",
        "declared | _refusals(operation, headers)", "declared",
        "tests/fuzz/test_served_schema.py"
        "::test_whatever_is_sent_is_answered_as_the_served_document_says[payments in short]",
    ),
    Mutant(
        "paused-request-a-mistake-of-ours", "services/problems.py",
        "if not is_retryable(error):", "if True:",
        "tests/faults/test_api_crashes.py"
        "::test_a_first_press_that_is_paused_at_a07_is_ended_and_the_second_takes_over",
    ),
    Mutant(
        "part-that-its-currency-does-not-have", "payments/refunding.py",
        "    check_part(wanted, payment)\n", "",
        "tests/integration/test_money_at_the_door.py::test_a_part_fits_the_currency_too",
    ),
]  # fmt: skip
