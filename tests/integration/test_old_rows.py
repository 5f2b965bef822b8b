"""A redrive of rows that inboxes may have forgotten: what is on its topic is never published a second time."""

from collections import Counter

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from outbox.models import OutboxEvent, ParkedRow
from outbox.relay import Relay
from tests.purchases import drain
from tests.topics import Topics

TOPIC = "payments.payment"
RECORD = """
INSERT INTO outbox_event (event_id, source, event_type, subject, aggregate_type, aggregate_id, topic, partition_key,
                          data, occurred_at)
VALUES (gen_random_uuid(), '/s', 'payments.payment.captured.v1', 'k', 'payment', 'k', %s, %s, '{}',
        clock_timestamp() - %s * interval '1 day')
RETURNING position
"""
PARK = """
INSERT INTO outbox_parked (position, topic, partition_key, generation, window_id, reason, problem)
SELECT position, topic, partition_key, 1, 1, %s, 'p' FROM outbox_event WHERE position = %s
"""


def record(key: str, *, days: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(RECORD, [TOPIC, key, days])
        return int(cursor.fetchone()[0])


def park(position: int) -> None:
    """As a relay does that got an error behind an acknowledgement which never arrived."""
    with connection.cursor() as cursor:
        cursor.execute(PARK, ["refused", position])


@pytest.mark.kafka
def test_an_old_row_that_is_on_its_topic_is_resolved_and_what_waits_behind_it_is_published(
    relay: Relay, topics: Topics, capsys: pytest.CaptureFixture[str]
) -> None:
    published, elsewhere = record("k", days=40), record("other", days=40)
    drain(relay)
    park(published)
    lost, young = record("k", days=35), record("k", days=0)
    drain(relay)  # queues them behind it
    call_command("redrive_outbox", "--key", "k")
    shown = capsys.readouterr().out
    assert f"{published} of " in shown
    assert f"is on its topic, {TOPIC}/" in shown
    assert "resolved as published" in shown
    assert f"{lost} of " in shown
    assert "is not on its topic" in shown
    assert "asked for 2 rows of 1 keys" in shown
    drain(relay)
    wire = Counter(message.event_id for message in topics.read())
    assert wire == {id_of(position): 1 for position in (published, elsewhere, lost, young)}
    assert not ParkedRow.objects.filter(resolved_at=None).exists()


@pytest.mark.kafka
def test_the_same_id_of_another_source_is_not_the_row(relay: Relay, topics: Topics) -> None:
    position = record("k", days=40)
    park(position)
    topics.write(TOPIC, b"{}", key=b"k", headers=[("ce_id", id_of(position).encode()), ("ce_source", b"/other")])
    call_command("redrive_outbox", "--all", verbosity=0)
    assert ParkedRow.objects.get().redrive_asked_at is not None


def test_a_young_row_is_asked_for_without_a_look_at_any_broker(log: None, settings: Settings) -> None:
    settings.OUTBOX = settings.OUTBOX | {"BOOTSTRAP_SERVERS": "127.0.0.1:9"}
    park(record("k", days=29))
    call_command("redrive_outbox", "--all", verbosity=0)
    assert ParkedRow.objects.get().redrive_asked_at is not None


def test_the_admin_refuses_old_rows_and_names_the_command(log: None) -> None:
    park(record("k", days=40))
    operator = Client()
    operator.force_login(User.objects.create_superuser("operator"))
    choice = {"action": "redrive", "_selected_action": [ParkedRow.objects.get().position]}
    answer = operator.post(reverse("admin:outbox_parkedrow_changelist"), choice, follow=True)
    assert "manage.py redrive_outbox looks there first" in answer.content.decode()
    assert ParkedRow.objects.get().redrive_asked_at is None


def id_of(position: int) -> str:
    return str(OutboxEvent.objects.get(position=position).event_id)
