"""Planted bugs of gateway/: each breaks one promise, and names the test that must see it."""

from tests.mutants.mutant import Mutant

GATEWAY = "tests/integration/test_gateway.py::"
GATEWAY_INTENTS = "tests/integration/test_gateway_intents.py::"
GATEWAY_REFUNDS = "tests/integration/test_gateway_refunds.py::"
WEBHOOKS = "tests/integration/test_gateway_webhooks.py::"

MUTANTS = [
    Mutant(
        "gateway-answers-without-a-memory",
        "gateway/idempotency.py",
        "return _replay(stored, request) if stored else",
        "return",
        GATEWAY + "test_a_charge_whose_answer_is_lost_is_found_under_its_key",
    ),
    Mutant(
        "gateway-key-taken-by-two",
        "gateway/idempotency.py",
        "if key in _in_use:",
        "if False:",
        GATEWAY + "test_requests_at_the_same_moment_under_one_key_make_one_charge",
    ),
    Mutant(
        "gateway-parameters-not-compared",
        "gateway/idempotency.py",
        "if stored.request_digest != _digest(request):",
        "if False:",
        GATEWAY + "test_other_parameters_under_the_key_are_refused",
    ),
    Mutant(
        "gateway-keys-for-ever",
        "gateway/idempotency.py",
        "created__gt=_oldest()",
        "created__gt=0",
        GATEWAY + "test_keys_live_as_long_as_is_set_and_are_pruned",
    ),
    Mutant(
        "gateway-cancels-what-is-paid",
        "gateway/intents.py",
        "CANCELABLE = (*CONFIRMABLE,",
        "CANCELABLE = (*CONFIRMABLE, Status.SUCCEEDED,",
        GATEWAY_INTENTS + "test_what_a_status_does_not_allow_is_refused_with_the_intent_as_it_is",
    ),
    Mutant(
        "gateway-search-for-any-value",
        "gateway/searching.py",
        ".filter(found=value)",
        ".filter(found__isnull=False)",
        GATEWAY_INTENTS + "test_a_search_finds_by_metadata_exactly_and_the_client_turns_the_pages",
    ),
    Mutant(
        "gateway-refunds-what-was-released",
        "gateway/refunds.py",
        "left = charge.amount_captured - charge.amount_refunded",
        "left = charge.amount - charge.amount_refunded",
        GATEWAY_REFUNDS + "test_no_more_is_given_back_than_is_left",
    ),
    Mutant(
        "gateway-signature-without-its-time",
        "gateway/webhooks.py",
        'f"{at}.".encode() + body',
        "body",
        WEBHOOKS + "test_capture_and_cancellation_are_told",
    ),
    Mutant(
        "gateway-tells-once",
        "gateway/webhooks.py",
        "if not delivery.problem:",
        "if True:",
        WEBHOOKS + "test_an_event_is_told_again_until_it_is_answered_with_2xx",
    ),
    Mutant(
        "gateway-lets-go-of-nothing",
        "gateway/webhooks.py",
        "        _let_go_of_held(delivery)\n",
        "",
        WEBHOOKS + "test_a_webhook_comes_after_a_later_one_when_it_is_asked_for",
    ),
    Mutant(
        "gateway-charges-before-it-fails",
        "gateway/performing.py",
        """        if "fail_stored" in attempt.faults:
            raise api_error()
        with transaction.atomic():
            status, body = execute(checked, attempt)
""",
        """        status, body = execute(checked, attempt)
        if "fail_stored" in attempt.faults:
            raise api_error()
""",
        WEBHOOKS + "test_what_did_not_happen_is_not_told",
    ),
]
