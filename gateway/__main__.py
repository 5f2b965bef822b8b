"""python -m gateway init: make the file database, or bring it up to date."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

if __name__ == "__main__":
    if sys.argv[1:] != ["init"]:
        raise SystemExit(f"usage: python -m gateway init (got {' '.join(sys.argv[1:])!r})")
    os.environ["DJANGO_SETTINGS_MODULE"] = "gateway.settings"
    try:
        execute_from_command_line(["gateway", "migrate", "--verbosity=0"])
    except ImproperlyConfigured as error:
        raise SystemExit(f"gateway: {error}") from None
