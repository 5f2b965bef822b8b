"""Planted bugs of payments/: each breaks one promise, and names the test that must see it."""

from tests.mutants.mutant import Mutant

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
        "if call.state in (State.CONFIRMED, State.REFUSED):",
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
]
