"""The environment of a user who has set nothing: what is started brings its own servers."""

import os
from pathlib import Path

ROOT = Path(__file__).parent.parent
OWN_SERVERS = {
    name: value
    for name, value in os.environ.items()
    if name not in {"DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS", "CELERY_BROKER_URL", "DJANGO_SETTINGS_MODULE"}
    and not name.startswith(("PAYMENTS_", "BILLING_", "GATEWAY_"))
    and "_GW" not in name  # servers of pytest-xdist's workers: see stack/copies.py
}
