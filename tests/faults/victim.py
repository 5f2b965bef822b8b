"""A process that meets its fate at a crash point: python -m tests.faults.victim POINT SIGNAL ROLE [ARGUMENT].

It runs production code unchanged and sends itself the signal at the point: SIGKILL dies, SIGSTOP waits to be woken,
SIGTERM is asked to end. No point ("-"): it just runs. See points.py and tripping.py.
"""

import signal
import sys
from functools import partial
from threading import Event

import django
from django.conf import settings

from tests.faults.points import POINTS
from tests.faults.tripping import arm, signal_at


def relay() -> None:
    """Run the command until there is nothing left to do."""
    from django.core.management import call_command

    call_command("relay_outbox", drain=True)


def standing_relay() -> None:
    """Run the command until SIGTERM."""
    from django.core.management import call_command

    call_command("relay_outbox")


def rebase() -> None:
    """Apply a rebase."""
    from django.core.management import call_command

    call_command("rebase_outbox", apply=True)


def maintenance() -> None:
    """Make table partitions, then prune."""
    from outbox.maintenance import make_table_partitions, prune_log
    from tests.storage import small_settings

    make_table_partitions(small_settings())
    prune_log(small_settings())


def consumer(point: str, name: str) -> None:
    """Run the consumer until it is dead."""
    from inbox.conf import InboxSettings
    from inbox.consumer import Consumer
    from inbox.receiving import Partition
    from inbox.source import KafkaSource

    class DyingSource(KafkaSource):
        """C12: the transaction is committed, and nothing is told to Kafka or remembered."""

        def acknowledge(self, moved: dict[Partition, int]) -> None:
            signal.raise_signal(signal.SIGKILL)

    chosen = InboxSettings.model_validate(settings.INBOX | {"CONSUMER": name, "BATCH_SIZE": 10})
    source = partial(
        DyingSource if point == "C12" else KafkaSource,
        consumer=name,
        bootstrap_servers=chosen.bootstrap_servers,
        topics=chosen.topics,
        group_protocol=chosen.group_protocol,
    )
    Consumer(open_source=source, settings=chosen).run(Event())


def main(point: str, signum: int, role: str, argument: str) -> None:
    """Arm the point and run the role."""
    if point in POINTS:
        arm(POINTS[point].place, signal_at(POINTS[point].hit, signum))
    django.setup()  # after the arming, because it imports the publishers
    if role == "relay":
        relay()
    elif role == "standing relay":
        standing_relay()
    elif role == "consumer":
        consumer(point, argument)
    elif role == "rebase":
        rebase()
    elif role == "maintenance":
        maintenance()
    else:
        from payments.gateway_calls import make_call

        make_call(int(argument))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4] if len(sys.argv) > 4 else "")
