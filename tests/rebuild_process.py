"""A rebuild as it runs in production, on the tests' database: python -m tests.rebuild_process '{"name": ..., ...}'."""

import json
import sys

from django.conf import settings

from tests.relay_process import RelayProcess


class RebuildProcess(RelayProcess):
    """`manage.py rebuild_projection` with the inbox's settings; `log` is what it wrote."""

    module = "tests.rebuild_process"
    options = {}


def main(options: str) -> None:
    """Run the command; the options are its name and settings of the inbox."""
    import django

    chosen = json.loads(options)
    name = chosen.pop("name")
    settings.INBOX = settings.INBOX | chosen
    django.setup()
    from django.core.management import call_command

    call_command("rebuild_projection", name)


if __name__ == "__main__":
    main(sys.argv[1])
