"""C19: a redrive dies between the effect and the mark. Neither is there; the next redrive applies each event once."""

import signal
from uuid import uuid4

import pytest
from django.core.management import call_command
from pytest_django.fixtures import Settings

from billing.models import Invoice
from inbox.models import ParkedEvent
from outbox.models import OutboxEvent
from tests.faults.arrivals import KEYS, Arrivals
from tests.faults.conftest import Successor
from tests.faults.consumer_points import REDRIVEN
from tests.faults.receiving_invariants import check_receiving
from tests.faults.table import note
from tests.faults.test_consumer_crashes import receive_all
from tests.faults.wires import victim_at
from tests.topics import Topics

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("offsets_never_go_back")]


def test_redrive_killed_at_c19_leaves_neither_effect_nor_mark(
    arrivals: Arrivals, next_consumer: Successor, topics: Topics, settings: Settings
) -> None:
    settings.INBOX = settings.INBOX | {"CONSUMER": "billing"}
    payment_id = uuid4()
    in_the_way = Invoice.objects.create(payment_id=payment_id, customer_id="c", reference="r", amount=0, state="void")
    arrivals.write(KEYS[0], payment_id=str(payment_id))
    arrivals.write(KEYS[0])
    next_consumer.start()
    receive_all(topics)
    in_the_way.delete()
    with victim_at(REDRIVEN, signal.SIGKILL, "redrive") as (victim, _):
        victim.expect_killed()
    assert not Invoice.objects.exists(), "no effect"
    assert not OutboxEvent.objects.exists(), "no follow-up event"
    assert ParkedEvent.objects.filter(resolved_at=None).count() == 2, "and no mark"
    arrivals.write(KEYS[0])
    receive_all(topics)
    call_command("redrive_inbox", all=True)
    check_receiving(topics)
    note(str(REDRIVEN), "redrive kill")
