"""Planted bugs of payments/: each breaks one promise, and names the test that must see it."""

from tests.mutants.mutant import Edit, Mutant

CHARGING = "tests/integration/test_invoice_charging.py::"
INVOICING = "payments/invoicing.py"
CYCLE_IS_UNIQUE = (
    ", models.UniqueConstraint(condition=models.Q(('billing_cycle', ''), _negated=True), "
    "fields=('customer_id', 'billing_cycle'), name='payment_once_per_cycle')"
)
INSERT_AND_LOOK = """\
    Payment.objects.bulk_create([payment], ignore_conflicts=True)
    if not Payment.objects.filter(pk=payment.pk).exists():
"""
LOOK_AND_INSERT = """\
    known = Payment.objects.filter(customer_id=invoice.customer_id, billing_cycle=invoice.billing_cycle).exists()
    if not known:
        payment.save(force_insert=True)
    else:
"""

MUTANTS = [
    Mutant(
        "second-worker-not-fenced",
        "payments/gateway_calls.py",
        "is_free = Q(state=State.PENDING) | Q(state__in=_OPEN, due_at__lte=now)",
        "is_free = Q(state__in=_OPEN)",
        "tests/faults/test_workers_twice.py::test_of_many_workers_with_one_task_one_makes_the_call",
    ),
    Mutant(
        "late-conclusion-written-over",
        "payments/gateway_calls.py",
        "if not is_way(call.state, answer.state):",
        "if False:",
        "tests/faults/test_workers_twice.py::test_worker_stopped_at_c24_wakes_when_another_one_has_done_the_task",
    ),
    Mutant(
        "sweep-waits-and-takes-again",
        "payments/gateway_calls.py",
        "select_for_update(skip_locked=True)",
        "all()",
        "tests/faults/test_workers_twice.py::test_beat_twice_at_c25_takes_every_due_call_once",
    ),
    Mutant(
        "cycle-unique-in-code-alone",
        INVOICING,
        INSERT_AND_LOOK,
        LOOK_AND_INSERT,
        "tests/races/test_charged_cycles.py::test_two_invoices_of_a_cycle_at_the_same_moment_are_one_payment",
        also=(Edit("payments/migrations/0001_initial.py", CYCLE_IS_UNIQUE, ""),),
    ),
    Mutant(
        "cycle-unique-with-its-event-alone",
        "payments/migrations/0001_initial.py",
        CYCLE_IS_UNIQUE,
        "",
        CHARGING + "test_two_events_for_one_cycle_charge_once",
    ),
    Mutant(
        "sweep-ends-with-its-page",
        "payments/tasks.py",
        "if len(due) == _AT_ONCE:\n        sweep_gateway_calls.delay()",
        "if False:\n        sweep_gateway_calls.delay()",
        "tests/integration/test_gateway_calls.py::"
        "test_a_sweep_makes_a_page_of_calls_and_tells_another_worker_that_there_may_be_more",
    ),
    Mutant(
        "handlers-call-waits-for-a-nudge",
        "payments/calling.py",
        "(NUDGE_GRACE if is_nudged else timedelta())",
        "NUDGE_GRACE",
        CHARGING + "test_a_call_that_no_request_nudges_for_is_due_at_once",
    ),
    Mutant(
        "dunning-under-the-first-key",
        INVOICING,
        'step=f"capture:{attempt}"',
        'step="capture"',
        CHARGING + "test_attempts_follow_each_other_each_under_its_own_key",
    ),
    Mutant(
        "dunning-attempts-not-counted",
        INVOICING,
        '"attempt": attempt, ',
        "",
        CHARGING + "test_attempts_follow_each_other_each_under_its_own_key",
    ),
]
