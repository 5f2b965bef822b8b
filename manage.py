#!/usr/bin/env python
"""Django's command line for one service: SERVICE=payments python manage.py <command>."""

import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

import services.celery  # noqa: F401  (sends tasks where the settings say; selects the settings of SERVICE)

if __name__ == "__main__":
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        raise SystemExit(f"{sys.argv[0]}: {error}") from None
