"""What stops a partition, that it is stored, and how a person lets it go on. On topics of the tests' own, really made
again, grown and cut."""

import signal
from contextlib import closing

import pytest
from confluent_kafka import TopicPartition
from django.core.management import CommandError

from inbox.consumer import Consumer
from inbox.exceptions import OffsetUnfitError
from inbox.models import InboxEvent, InboxOffset
from inbox.moving import OffsetMover
from tests.conditions import wait_until
from tests.purchases import receive_until
from tests.relay_process import Start
from tests.stage import Stage

pytestmark = pytest.mark.kafka


def test_a_first_start_keeps_the_topic_s_id_and_its_partition_count(stage: Stage) -> None:
    stage.send("one")
    stage.receive("one")
    row = stage.row()
    assert (len(row.topic_id), row.partition_count, row.stopped_at, row.problem) == (22, 2, None, "")


@pytest.mark.parametrize("protocol", ["consumer", "classic"], indirect=True)
def test_a_topic_that_is_made_again_stops_and_goes_on_from_its_beginning_by_a_person_s_word(stage: Stage) -> None:
    old, new = ["old-0", "old-1", "old-2"], [f"new-{number}" for number in range(5)]
    with stage.running():
        for text in old:
            stage.send(text)
        wait_until(lambda: stage.has_applied(*old), what="applied")
        wait_until(lambda: stage.row().next_offset == 3, what="received")
        before = stage.row()
        stage.topic.delete()
        stage.topic.make(2)
        wait_until(lambda: stage.is_stopped(0, 1), what="stopped")
        for text in new:  # more than before: the old offset is in the middle of it
            stage.send(text)
        assert stage.row().next_offset == before.next_offset
        assert stage.row().problem.startswith(
            f"the topic was deleted and made again: the offset is of {before.topic_id}"
        )
        assert f"manage.py move_inbox_offset --to-earliest --topic {stage.topic.name}" in stage.row().problem
        assert stage.has_applied(*old)
        stage.move("--to-earliest")
        wait_until(lambda: stage.has_applied(*old, *new), what="received from the beginning")
    assert stage.row().topic_id != before.topic_id


def test_a_stopped_partition_that_comes_back_after_its_offset_was_moved_is_read_on(stage: Stage) -> None:
    """In the meantime another process had it. librdkafka keeps the pause of a partition that was taken away."""
    stage.send("old")
    receive_until(stage.consumer, lambda: stage.has_applied("old"))
    stage.topic.delete()
    stage.topic.make(2)
    receive_until(stage.consumer, lambda: stage.is_stopped(0, 1))
    with closing(stage.another_consumer()) as other:
        wait_until(lambda: partitions_of(other, beside=stage.consumer), what="shared")
        [partition] = partitions_of(other, beside=stage.consumer)
        stage.move("--to-earliest", "--partition", str(partition))
        receive_until(stage.consumer, lambda: partition not in partitions_of(stage.consumer))
    stage.send("new", partition=partition)
    receive_until(stage.consumer, lambda: stage.has_applied("old", "new"))


def partitions_of(consumer: Consumer, *, beside: Consumer | None = None) -> list[int]:
    """What the consumer has after one more turn, of it and of the one beside it."""
    for each in [consumer, *([beside] if beside else [])]:
        each.run_once()
    return [] if consumer._source is None else [number for _, number in consumer._source.expected]


def test_a_topic_that_is_made_again_while_no_consumer_runs_is_seen_at_the_assignment(stage: Stage) -> None:
    stage.send("old")
    stage.receive("old")
    stage.topic.delete()
    stage.topic.make(2)
    for number in range(3):
        stage.send(f"new-{number}")
    stage.receive_until(lambda: stage.is_stopped(0, 1))
    assert stage.applied == ["old"]
    assert "made again" in stage.row().problem


def test_a_topic_that_is_made_again_while_its_consumer_sleeps_is_seen_when_it_wakes(
    stage: Stage, consume: Start
) -> None:
    """Asleep it asks for nothing, so no answer tells it: the old offset is in the middle of the new topic."""
    process = consume(TOPICS=[stage.topic.name], GROUP_PROTOCOL="classic")
    for _ in range(2):
        stage.tell({})
    wait_until(lambda: InboxEvent.objects.count() == 2, what=lambda: f"received\n{process.log.read_text()}")
    process.send(signal.SIGSTOP)
    stage.topic.delete()
    stage.topic.make(2)
    for _ in range(5):
        stage.tell({})
    process.send(signal.SIGCONT)
    wait_until(lambda: stage.is_stopped(0, 1), what=lambda: f"stopped\n{process.log.read_text()}", seconds=30)
    assert "made again" in stage.row().problem


def test_a_stopped_partition_stays_stopped_for_the_next_process_and_costs_the_others_nothing(stage: Stage) -> None:
    stage.send("one")
    stage.send("two", partition=1)
    stage.receive("one", "two")
    InboxOffset.objects.filter(topic=stage.topic.name, partition=0).update(stopped_at="2026-01-01T00:00Z", problem="p")
    stage.send("three")
    for number in range(3):
        stage.send(f"four-{number}", partition=1)
    stage.receive("one", "two", "four-0", "four-1", "four-2")
    assert stage.is_stopped(0)


def test_partitions_added_stop_the_topic_and_it_goes_on_where_it_stands(stage: Stage) -> None:
    with stage.running():
        stage.send("one")
        wait_until(lambda: stage.has_applied("one"), what="received")
        stage.topic.grow(3)
        wait_until(lambda: stage.is_stopped(0, 1, 2), what="stopped, and the new one once it is assigned")
        stage.send("two")
        assert stage.row().problem.startswith("the topic has 3 partitions and had 2: keys move")
        assert stage.has_applied("one")
        stage.move("--stay")
        wait_until(lambda: stage.has_applied("one", "two"), what="received")
    assert [stage.row(n).partition_count for n in range(3)] == [3, 3, 3]


def test_an_offset_that_a_smaller_new_topic_does_not_have_is_told_as_a_topic_made_again(stage: Stage) -> None:
    stage.send("one")
    receive_until(stage.consumer, lambda: stage.has_applied("one"))
    stage.topic.delete()
    stage.topic.make(2)
    source = stage.consumer._source
    assert source is not None
    assert "made again" in source._guard.explain_reset((stage.topic.name, 0), 1, "out of range")


def test_retention_that_passed_the_consumer_stops_that_partition_alone_and_says_what_is_lost(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.send("one")
    stage.receive("one")
    for number in range(4):
        stage.send(f"lost-{number}")
    [cut] = stage.topic.admin.delete_records([TopicPartition(stage.topic.name, 0, 4)]).values()
    cut.result(30)
    stage.send("flows", partition=1)
    stage.receive_until(lambda: stage.is_stopped(0) and "flows" in stage.applied)
    assert stage.row().problem.startswith("its next offset, 1, is not on the broker any more")
    with pytest.raises(CommandError, match=r"has offsets 4 to 5: 1 is not in it. Nothing was changed"):
        stage.move("--stay", "--partition", "0")
    stage.move("--to-earliest", "--partition", "0", apply=False)
    shown = capsys.readouterr().out
    assert f"{stage.topic.name}/0: 1 -> 4, skips 3 offsets; 3 before 4 are not on the broker" in shown
    assert "it is stopped: its next offset, 1" in shown
    assert stage.is_stopped(0)
    stage.move("--to-earliest", "--partition", "0")
    stage.receive("one", "flows", "lost-3")


def test_a_running_consumer_goes_on_when_its_offset_is_moved_back_and_repeats_nothing(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.send("one")
    stage.send("two")
    stage.receive("one", "two")
    stage.move("--to-offset", "0", "--partition", "0", apply=False)
    assert "2 -> 0, repeats 2 offsets: what is known by its id does nothing again" in capsys.readouterr().out
    assert stage.row().next_offset == 2
    stage.consumer.run_once()
    stage.move("--to-offset", "0", "--partition", "0")
    stage.send("three")
    stage.receive("one", "two", "three")
    assert stage.row().next_offset == 3
    assert InboxEvent.objects.count() == 3


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--to-offset", "7", "--partition", "0"], "has offsets 0 to 1: 7 is not in it"),
        (["--stay", "--partition", "5"], r"'tests' has offsets of .* in \[0, 1\]"),
    ],
)
def test_what_cannot_be_moved_to_is_refused(options: list[str], says: str, stage: Stage) -> None:
    stage.send("one")
    stage.receive("one")
    with pytest.raises(CommandError, match=says):
        stage.move(*options)


def test_an_offset_that_moved_since_the_plan_is_refused(stage: Stage) -> None:
    stage.send("one")
    stage.receive("one")
    mover = OffsetMover(consumer="tests", bootstrap_servers=stage.kafka, topic=stage.topic.name)
    plan = mover.plan("earliest")
    stage.send("two")
    stage.receive("one", "two")
    with pytest.raises(OffsetUnfitError, match="is 2 now, not 1: look again"):
        mover.apply(plan)
    mover.close()
    assert stage.row().next_offset == 2


def test_a_topic_that_is_gone_parks_and_stops_nothing_and_is_waited_for(stage: Stage) -> None:
    stage.send("one")
    stage.receive("one")
    stage.topic.delete()
    rounds = iter(range(30))
    stage.receive_until(lambda: next(rounds, None) is None)
    assert stage.is_stopped()
    stage.topic.make(2)
