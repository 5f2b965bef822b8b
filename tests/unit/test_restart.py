"""The supervisor's pauses: killed, at once; ended by itself again and again, ever later, and never at its own cost."""

import pytest

from stack.restart import next_failures, pause_seconds


def test_what_was_killed_is_started_again_at_once() -> None:
    assert pause_seconds(next_failures(7, code=-9, seconds=0.1)) == 0


def test_what_ends_by_itself_soon_waits_longer_each_time_up_to_a_limit() -> None:
    failures, pauses = 0, []
    for _ in range(2_000):
        failures = next_failures(failures, code=1, seconds=0.1)
        pauses.append(pause_seconds(failures))
    assert pauses[:3] == [0.2, 0.4, 0.8]
    assert set(pauses[10:]) == {5.0}


@pytest.mark.parametrize("code", [0, 1])
def test_what_ran_for_long_begins_anew(code: int) -> None:
    assert next_failures(7, code=code, seconds=60) == 0
