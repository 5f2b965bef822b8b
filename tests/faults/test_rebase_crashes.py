"""rebase_outbox --apply is killed at every step: nothing of it was done, and the next one does all of it."""

import signal

import pytest
from django.core.management import CommandError
from django.db import connection

from tests.faults.killing import Victim, kill_at
from tests.faults.points import REBASE, Point
from tests.faults.restoring import check_rebased, forget_windows, publish, rebase, rebase_at_once
from tests.purchases import capture
from tests.topics import Topics

pytestmark = pytest.mark.kafka
STANDING = """
SELECT (SELECT (generation, rebase_position, identity, topic_ids) FROM outbox_relay)::text,
       (SELECT array_agg((generation, window_id)) FROM outbox_window)::text,
       (SELECT count(*) FROM outbox_parked), (SELECT count(*) FROM outbox_progress)
"""


def standing() -> tuple[object, ...]:
    """Everything that a rebase changes, but for the epoch and the next position."""
    with connection.cursor() as cursor:
        cursor.execute(STANDING)
        return tuple(cursor.fetchone())


@pytest.fixture
def forgotten(log_to_rebase: None, topics: Topics) -> None:
    """A log that forgot its windows, as a backup from before them would; two of its rows are not published."""
    for number in range(5):
        capture(number)
    publish("idempotent")
    forget_windows()
    capture(5)


@pytest.mark.parametrize("point", REBASE, ids=str)
def test_killed_while_it_is_applied_it_has_done_nothing_and_the_next_one_does_it(
    point: Point, forgotten: None, topics: Topics
) -> None:
    before = standing()
    kill_at(point.name, "rebase", FAULTS_LEASE_SECONDS="3")
    assert standing() == before
    rebase(apply=True)
    publish("idempotent")
    check_rebased(topics, strays=set())


def test_of_two_at_once_one_applies_and_the_other_is_refused(forgotten: None, topics: Topics) -> None:
    # A lease so long that the first one's session outlives the stop.
    with Victim("B3", signal.SIGSTOP, "rebase", FAULTS_LEASE_SECONDS="60") as first:
        first.wait_until_stopped()
        with pytest.raises(CommandError, match="another rebase_outbox is at work"):
            rebase_at_once(apply=True)
        first.send(signal.SIGCONT)
        first.expect_ended()
    assert "Nothing to do" in rebase(apply=True)
    publish("idempotent")
    check_rebased(topics, strays=set())
