"""Who runs a command: stored beside what was redriven or discarded."""

import getpass
import os
from argparse import ArgumentParser


def add_by(parser: ArgumentParser) -> None:
    """Add the option --by; the user of the shell, unless it says otherwise."""
    parser.add_argument("--by", default=_shell_user(), help="who does this, for the record (%(default)s)")


def _shell_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's uid without a name
        return f"uid {os.getuid()}"
