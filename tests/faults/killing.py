"""Run a victim to its death."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from django.conf import settings
from django.db import connection

ROOT = Path(__file__).parent.parent.parent


def kill_at(point: str, role: str, argument: str = "", *, hit: int = 1, **environment: str) -> None:
    """Start a process that dies at the hit-th passing of the point. Fails unless SIGKILL ended it."""
    database = connection.settings_dict
    url = f"postgres://{database['USER']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    known = {"DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": url, "TESTS_SOURCE": settings.OUTBOX["SOURCE"]}
    victim = subprocess.run(
        [sys.executable, "-m", "tests.faults.victim", point, str(hit), role, argument],
        env=os.environ | known | environment,
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert victim.returncode == -signal.SIGKILL, f"not killed at {point}: {victim.returncode}\n{victim.stderr}"
