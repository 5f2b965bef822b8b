"""The billing service."""

from services.settings.base import *  # noqa: F403
from services.settings.base import (
    CELERY_BEAT_SCHEDULE,
    INSTALLED_APPS,
    KAFKA_BOOTSTRAP_SERVERS,
    KAFKA_REPLICATION_FACTOR,
    METRICS_HOST,
    celery_transport_options,
    database,
    env,
    metrics_port,
)

SERVICE = "billing"
INSTALLED_APPS = [*INSTALLED_APPS, "billing"]
ROOT_URLCONF = "services.urls.billing"
DATABASES = {"default": database(SERVICE)}

OUTBOX = {
    "SOURCE": "/doorstep/billing",
    "BOOTSTRAP_SERVERS": KAFKA_BOOTSTRAP_SERVERS,
    "TOPICS": {"billing.invoice": 6, "billing.subscription": 6, "billing.refund": 6},
    "REPLICATION_FACTOR": KAFKA_REPLICATION_FACTOR,
    "METRICS_HOST": METRICS_HOST,
    "METRICS_PORT": metrics_port(SERVICE),
}
INBOX = {
    "CONSUMER": "billing",
    "BOOTSTRAP_SERVERS": KAFKA_BOOTSTRAP_SERVERS,
    "TOPICS": ["payments.payment"],
    "OUTBOXES": {"/doorstep/payments": ["payments.payment"]},
    "METRICS_HOST": METRICS_HOST,
    "METRICS_PORT": metrics_port(f"{SERVICE}_consumer"),
}
CELERY_TASK_DEFAULT_QUEUE = SERVICE
CELERY_BROKER_TRANSPORT_OPTIONS = celery_transport_options(SERVICE)
CELERY_BEAT_SCHEDULE = CELERY_BEAT_SCHEDULE | {
    # expires: runs that a stopped worker missed are not caught up; the next one does all that is due.
    "renew subscriptions": {"task": "billing.renew_subscriptions", "schedule": 600.0, "options": {"expires": 600}},
    "sweep dunning": {"task": "billing.sweep_dunning", "schedule": 60.0, "options": {"expires": 60}},
}

if url := env.str("SEARCH_URL", default=""):  # optional: needs the extra `search`
    INSTALLED_APPS = [*INSTALLED_APPS, "search"]
    SEARCH = {"URL": url, "INDEX": env.str("SEARCH_INDEX", default="invoices")}
    CELERY_BEAT_SCHEDULE = CELERY_BEAT_SCHEDULE | {
        "index invoices": {"task": "search.index_invoices", "schedule": 1.0, "options": {"expires": 1.0}},
    }
