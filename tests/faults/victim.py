"""A process that meets its fate at a crash point: python -m tests.faults.victim POINT SIGNAL ROLE [ARGUMENT].

It runs production code unchanged and sends itself the signal at the point: SIGKILL dies, SIGSTOP waits to be woken,
SIGTERM is asked to end. No point ("-"): it just runs. See points.py and tripping.py.
"""

import sys
from typing import Any

import django
from django.core.management import call_command

from tests.faults.api_points import API_POINTS
from tests.faults.consumer_points import CONSUMER_POINTS
from tests.faults.points import POINTS
from tests.faults.renewal_points import JANUARY_31, RENEWAL_POINTS
from tests.faults.tripping import arm, signal_at, take_the_consumers_place
from tests.faults.webhook_points import WEBHOOK_POINTS

COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {
    "relay": ("relay_outbox", {"drain": True}),
    "standing relay": ("relay_outbox", {}),
    "rebase": ("rebase_outbox", {"apply": True}),
    "consumer": ("consume_inbox", {}),
    "pruning": ("prune_inbox", {}),
    "redrive": ("redrive_inbox", {"all": True}),
    "renewal": ("renew_subscriptions", {"as_of": JANUARY_31}),
}


def maintenance() -> None:
    """Make table partitions, then prune."""
    from outbox.maintenance import make_table_partitions, prune_log
    from tests.storage import small_settings

    make_table_partitions(small_settings())
    prune_log(small_settings())


def take_webhook(body: str) -> None:
    """Answer one webhook, as a web process does."""
    from tests.webhook_client import send

    send(body.encode())


def web_process(port: int) -> None:
    """Serve payments' API as `runserver` does, in this one process: a master would start another."""
    from django.core.servers.basehttp import run
    from django.core.wsgi import get_wsgi_application

    run("127.0.0.1", port, get_wsgi_application(), threading=True)


def main(point: str, signum: int, role: str, argument: str) -> None:
    """Arm the point and run the role."""
    if role == "consumer":
        take_the_consumers_place()
    if found := (POINTS | CONSUMER_POINTS | RENEWAL_POINTS | WEBHOOK_POINTS | API_POINTS).get(point):
        arm(found.place, signal_at(found.hit, signum))
    django.setup()  # after the arming, because it imports the publishers
    if role in COMMANDS:
        command, options = COMMANDS[role]
        call_command(command, **options)
    elif role == "maintenance":
        maintenance()
    elif role == "web":
        take_webhook(argument)
    elif role == "look":
        from payments.looking import look_at

        look_at(argument)
    elif role == "web process":
        web_process(int(argument))
    else:
        from payments.gateway_calls import make_call

        make_call(int(argument))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4] if len(sys.argv) > 4 else "")
