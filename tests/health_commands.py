"""What check_outbox and check_inbox say."""

from io import StringIO

from django.core.management import call_command
from django.test import override_settings


def ask_health(command: str, *options: str, **changed_settings: object) -> str:
    """The line of a health command under changed Django settings; its colour and its exit code agree."""
    output, code = StringIO(), 0
    with override_settings(**changed_settings):
        try:
            call_command(command, *options, stdout=output)
        except SystemExit as error:
            code = int(error.code or 0)
    line = output.getvalue().strip()
    assert line.startswith("red: " if code else "green: ")
    assert "\n" not in line
    return line
