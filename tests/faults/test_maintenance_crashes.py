"""R24, R25: upkeep or pruning dies between two statements; nothing is half done, and the next run goes on."""

import pytest

from outbox.maintenance import make_table_partitions, prune_log
from outbox.relay import Relay
from outbox.table_partitions import read_table_partitions
from outbox.testing import MemoryPublisher
from tests.faults.killing import kill_at
from tests.faults.points import POINTS
from tests.faults.table import note
from tests.purchases import drain
from tests.storage import ask, names, record, small_settings

pytestmark = pytest.mark.usefixtures("small_log")
TABLES = "SELECT relname FROM pg_class WHERE relname ~ '^outbox_event_p[0-9]+$' ORDER BY relname"


def test_killed_at_r25_between_create_and_attach_leaves_no_table_and_the_next_run_makes_it() -> None:
    kill_at("R25", "maintenance")
    assert names() == ["outbox_event_p0", "outbox_event_p11"]
    assert ask(TABLES) == [("outbox_event_p0",), ("outbox_event_p11",)]
    assert make_table_partitions(small_settings()).made == ["outbox_event_p21"]
    note(str(POINTS["R25"]), "upkeep kill")


def test_killed_at_r24_between_the_proof_and_the_drop_keeps_every_row_and_the_next_run_drops() -> None:
    settings = small_settings()
    make_table_partitions(settings)
    record(12)
    drain(Relay(publisher=MemoryPublisher(topics=settings.topics), settings=settings))
    kill_at("R24", "maintenance")
    assert ask("SELECT count(*) FROM outbox_event") == [(12,)]
    record(1)  # no lock of the dead process is left
    assert prune_log(settings).dropped == ["outbox_event_p0"]
    assert read_table_partitions()[0].low == 11
    note(str(POINTS["R24"]), "upkeep kill")
