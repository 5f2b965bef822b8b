"""C19: a redrive dies between the effect and the mark. Neither is there; the next redrive applies the event once."""

import pytest
from django.core.management import call_command
from pytest_django.fixtures import Settings

from billing.models import Invoice
from inbox.failure import Failure
from inbox.models import InboxEvent, InboxOffset, ParkedEvent
from inbox.receiving import park_failed
from outbox.models import OutboxEvent
from tests.faults.consumer_points import REDRIVEN
from tests.faults.killing import kill_at
from tests.records import PARTITION, TOPIC, captured, record_at


@pytest.mark.usefixtures("log")
def test_redrive_killed_at_c19_leaves_neither_effect_nor_mark(settings: Settings) -> None:
    settings.INBOX = settings.INBOX | {"CONSUMER": "billing"}
    InboxOffset.objects.create(consumer="billing", topic=TOPIC, partition=0, next_offset=0)
    assert park_failed("billing", record_at(0, captured()), Failure("mended since", "f", 3), expected={PARTITION: 0})
    kill_at(REDRIVEN.name, "redrive")
    assert ParkedEvent.objects.get().resolution == ""
    assert not Invoice.objects.exists()
    assert not OutboxEvent.objects.exists()
    call_command("redrive_inbox", all=True)
    assert ParkedEvent.objects.get().resolution == "applied"
    assert (Invoice.objects.count(), OutboxEvent.objects.count(), InboxEvent.objects.count()) == (1, 2, 1)
