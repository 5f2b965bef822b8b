#!/usr/bin/env python
"""Django's command line for one service: SERVICE=payments python manage.py <command>."""

import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from services import select_settings

if __name__ == "__main__":
    select_settings()
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        raise SystemExit(f"{sys.argv[0]}: {error}") from None
