"""C21: a pruning dies, or is stopped, while old duplicates arrive."""

import signal

import pytest
from django.core.management import call_command
from pytest_django.fixtures import Settings

from billing.models import Invoice
from inbox.models import InboxEvent
from outbox.relay import Relay
from tests.faults.conftest import Successor
from tests.faults.consumer_points import PRUNED
from tests.faults.receiving_invariants import check_receiving
from tests.faults.table import note
from tests.faults.test_consumer_crashes import receive_all
from tests.faults.wires import victim_at
from tests.purchases import capture, drain
from tests.records import TOPIC
from tests.topics import Topics

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("offsets_never_go_back")]


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGSTOP], ids=["kill", "zombie"])
def test_old_duplicates_that_arrive_while_pruning_is_ended_take_no_effect_before_or_after_the_next_one(
    signum: int, relay: Relay, next_consumer: Successor, topics: Topics, settings: Settings
) -> None:
    own = {settings.OUTBOX["SOURCE"]: [TOPIC]}
    settings.INBOX = settings.INBOX | {"CONSUMER": "billing", "OUTBOXES": own, "RETENTION_DAYS": 0}
    for number in range(6):
        capture(number)
    drain(relay)
    next_consumer.start()
    receive_all(topics)
    with victim_at(PRUNED, signum, "pruning") as (victim, _):
        if signum == signal.SIGSTOP:
            victim.wait_until_stopped()
        else:
            victim.expect_killed()
        repeat(topics)
        receive_all(topics)
        check_receiving(topics)
    call_command("prune_inbox")
    assert not InboxEvent.objects.exists()
    repeat(topics)
    receive_all(topics)
    assert not InboxEvent.objects.exists(), "within the horizon"
    assert Invoice.objects.count() == 6
    note(str(PRUNED), f"pruning {'kill' if signum == signal.SIGKILL else 'zombie'}")


def repeat(topics: Topics) -> None:
    """Append every record again as it is, as a relay that was killed does."""
    for message in topics.read():
        if message.topic == TOPIC:
            headers = [(name, value.encode()) for name, value in message.headers.items()]
            topics.write(TOPIC, message.value, key=message.key, headers=headers)
