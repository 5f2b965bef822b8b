"""A consumer as it runs in production, on the tests' database: python -m tests.consumer_process '{"BATCH_SIZE": 1}'.

It is the consumer "tests" with the handler of tests/told_handler.py.
"""

import json
import sys

from django.conf import settings

from tests.relay_process import RelayProcess

TOLD = "tests.handler.told.v1"
QUICK = {"CONSUMER": "tests", "DEAD_SECONDS": 4.0, "STUCK_SECONDS": 1.0, "BEHIND_SECONDS": 1.0}


class ConsumerProcess(RelayProcess):
    """`manage.py consume_inbox` with settings of its own; `log` is what it wrote."""

    module = "tests.consumer_process"
    options = QUICK


def main(options: str) -> None:
    """Run the command with the options in its settings; "drain" is the command's own."""
    import django

    chosen = json.loads(options)
    drain = chosen.pop("drain", False)
    settings.INBOX = settings.INBOX | chosen
    django.setup()
    from django.core.management import call_command

    import tests.told_handler  # noqa: F401  (declares the handler)

    call_command("consume_inbox", drain=drain)


if __name__ == "__main__":
    main(sys.argv[1])
