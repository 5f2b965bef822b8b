"""Planted bugs of the way of a webhook: the door, the inbox's table, the look at what it speaks of."""

from tests.mutants.mutant import Mutant

TELLING = "tests/integration/test_webhooks.py::"

MUTANTS = [
    Mutant(
        "webhook-takes-effect-twice", "inbox/direct.py",
        """        if not remember(cursor, consumer, [_record(envelope)]):
            return Outcome.DUPLICATE
""", """        remember(cursor, consumer, [_record(envelope)])
""",
        TELLING + "test_an_event_takes_effect_once_however_often_it_is_told",
    ),
    Mutant(
        "webhook-effect-without-its-memory", "inbox/direct.py",
        """    with begin() as cursor:
        if not remember(cursor, consumer, [_record(envelope)]):
            return Outcome.DUPLICATE
        apply_event(consumer, envelope)
""", """    with begin() as cursor:
        if not remember(cursor, consumer, [_record(envelope)]):
            return Outcome.DUPLICATE
    apply_event(consumer, envelope)
""",
        TELLING + "test_an_event_that_its_handler_cannot_read_is_not_remembered_so_that_it_may_come_again",
    ),
    Mutant(
        "webhook-signature-not-checked", "payments/webhooks.py",
        "stripe.WebhookSignature.verify_header(body, signature, secret, TOLERANCE_SECONDS)", "str(secret)",
        TELLING + "test_what_the_gateway_did_not_sign_just_now_is_refused",
    ),
    Mutant(
        "webhook-signature-good-for-ever", "payments/webhooks.py",
        "signature, secret, TOLERANCE_SECONDS)", "signature, secret)",
        TELLING + "test_what_the_gateway_did_not_sign_just_now_is_refused",
    ),
    Mutant(
        "gateway-speaks-for-billing", "payments/webhooks.py",
        "if envelope.type not in WEBHOOKS:", 'if envelope.type == "invoice.paid":',
        TELLING + "test_what_tells_us_nothing_is_answered_and_forgotten_and_the_gateway_cannot_speak_for_billing",
    ),
    Mutant(
        "order-of-webhooks-trusted", "payments/states.py",
        "return [through, newest] if is_two_steps else []", "return [through, newest] if is_two_steps else [newest]",
        "tests/faults/test_webhook_crashes.py::"
        "test_worker_stopped_at_c24_with_an_old_word_wakes_when_the_newest_is_written_and_changes_nothing",
    ),
    Mutant(
        "look-taken-for-one-at-what-came-later", "payments/looking.py",
        "update(looked=look.told, problem=problem)", 'update(looked=F("told"), problem=problem)',
        "tests/faults/test_webhook_crashes.py::test_what_is_told_while_a_look_is_on_its_way_is_looked_at_again",
    ),
]  # fmt: skip
