"""A dump restored into another cluster, a cluster started from an old copy of its files: a rebase, and on it goes."""

from pathlib import Path

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from billing.models import Invoice
from inbox.models import InboxEvent, ParkedEvent
from outbox.models import OutboxEvent
from payments.models import Payment
from payments.operations import capture_payment
from tests.faults.clusters import own_cluster
from tests.faults.killing import kill_at
from tests.faults.restoring import check_rebased, copy, dump, expect_refusal, go_back, publish, rebase, restore
from tests.integration.test_whole_way import MakeConsumer
from tests.purchases import initiate, receive_until
from tests.topics import Topics

pytestmark = pytest.mark.kafka
BURN_TRANSACTION_IDS = """
DO $$ BEGIN FOR i IN 1..20000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$
"""
CAPTURED = "payments.payment.captured.v1"


@pytest.fixture(params=["idempotent", "transactional"])
def mode(request: pytest.FixtureRequest, topics: Topics, settings: Settings) -> str:
    settings.OUTBOX = settings.OUTBOX | {"MODE": request.param}
    return str(request.param)


def ids() -> set[str]:
    return {str(event_id) for event_id in OutboxEvent.objects.values_list("event_id", flat=True)}


def test_a_dump_restored_into_another_cluster_goes_on_after_a_rebase(
    mode: str, topics: Topics, consumer: MakeConsumer, tmp_path: Path
) -> None:
    with own_cluster(tmp_path / "old") as old:
        burn_transaction_ids()
        payments = [initiate(number) for number in range(21)]
        publish(mode)
        capture(payments[:5])
        known = ids()
        dump(old.url, tmp_path / "backup")
        publish(mode)
        capture(payments[5:8])
        initiate(100)
        strays = ids() - known
        publish(mode)
    with own_cluster(tmp_path / "new", is_empty=True) as new:
        restore(tmp_path / "backup", new.url)
        capture(payments[8:12])
        expect_refusal(mode)
        said = rebase()
        assert "published by another database" in said
        assert counts(said) == [5, 4, 0, 0, 4]
        assert "Nothing was changed" in said
        expect_refusal(mode)
        assert counts(rebase(apply=True)) == [5, 4, 0, 0, 4]
        capture(payments[12:14])
        publish(mode)
        check_rebased(topics, strays=strays)
        assert "Nothing to do" in rebase(apply=True)
    check_received_once(consumer, topics)


def test_a_cluster_that_went_back_to_an_old_copy_of_its_files_goes_on_after_a_rebase(
    mode: str, topics: Topics, consumer: MakeConsumer, tmp_path: Path
) -> None:
    """The relay had published a part of the window that it was in when it died, and the window is not in the copy."""
    with own_cluster(tmp_path / "cluster") as cluster:
        payments = [initiate(number) for number in range(21)]
        publish(mode)
        capture(payments[:15])
        connection.close()
        copy(cluster, tmp_path / "copy")
        kill_at("R08", "relay", FAULTS_MODE=mode)
        connection.close()
        go_back(cluster, tmp_path / "copy")
        expect_refusal(mode)
        capture(payments[15:18])
        # The page that was in its transaction when the relay died is not there for those who read what is committed.
        on_topic = 10 if mode == "idempotent" else 7
        said = rebase(apply=True)
        assert "the topics are ahead of the log" in said
        assert counts(said) == [on_topic, 18 - on_topic, 0, 0, 0]
        capture(payments[18:])
        publish(mode)
        check_rebased(topics, strays=set())
    check_received_once(consumer, topics)


def burn_transaction_ids() -> None:
    """The rows that follow have ids which a new cluster does not reach in the test: they lie in its future."""
    with connection.cursor() as cursor:
        cursor.execute(BURN_TRANSACTION_IDS)


def capture(payments: list[Payment]) -> None:
    """One event a payment."""
    for payment in payments:
        capture_payment(payment.id, charge_id="ch")


def counts(said: str) -> list[int]:
    """The counts of the plan: published, missing, resolved, waiting, on the topics only."""
    return [int(line.split()[0]) for line in said.splitlines() if line[:1].isdigit()]


def check_received_once(consumer: MakeConsumer, topics: Topics) -> None:
    """I3: in the other service's database, which was not restored, every event took effect once."""
    captured = {message.event_id for message in topics.read() if message.headers["ce_type"] == CAPTURED}
    receive_until(consumer("billing"), lambda: Invoice.objects.count() >= len(captured))
    assert InboxEvent.objects.filter(consumer="billing").count() == Invoice.objects.count() == len(captured)
    assert not ParkedEvent.objects.exists()
