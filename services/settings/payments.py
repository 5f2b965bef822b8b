"""The payments service."""

from celery.schedules import crontab

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

SERVICE = "payments"
INSTALLED_APPS = [*INSTALLED_APPS, "payments"]
ROOT_URLCONF = "services.urls.payments"
DATABASES = {"default": database(SERVICE)}

OUTBOX = {
    "SOURCE": "/doorstep/payments",
    "BOOTSTRAP_SERVERS": KAFKA_BOOTSTRAP_SERVERS,
    "TOPICS": {"payments.payment": 6},
    "REPLICATION_FACTOR": KAFKA_REPLICATION_FACTOR,
    "METRICS_HOST": METRICS_HOST,
    "METRICS_PORT": metrics_port(SERVICE),
}
INBOX = {
    "CONSUMER": "payments",
    "BOOTSTRAP_SERVERS": KAFKA_BOOTSTRAP_SERVERS,
    "TOPICS": ["billing.invoice", "billing.refund"],
    "OUTBOXES": {"/doorstep/billing": ["billing.invoice", "billing.refund"]},
    "METRICS_HOST": METRICS_HOST,
    "METRICS_PORT": metrics_port(f"{SERVICE}_consumer"),
}
PAYMENTS = {
    "GATEWAY_URL": env.str("GATEWAY_URL"),
    "GATEWAY_API_KEY": env.str("GATEWAY_API_KEY"),
    "GATEWAY_WEBHOOK_SECRET": env.str("GATEWAY_WEBHOOK_SECRET", default=""),
}
CELERY_TASK_DEFAULT_QUEUE = SERVICE
CELERY_BROKER_TRANSPORT_OPTIONS = celery_transport_options(SERVICE)
CELERY_BEAT_SCHEDULE = CELERY_BEAT_SCHEDULE | {
    # expires: sweeps do not pile up while no worker runs.
    "sweep gateway calls": {"task": "payments.sweep_gateway_calls", "schedule": 2.0, "options": {"expires": 2.0}},
    "sweep gateway looks": {"task": "payments.sweep_gateway_looks", "schedule": 2.0, "options": {"expires": 2.0}},
    "ask for missed disputes": {
        "task": "payments.ask_for_missed_disputes",
        "schedule": 600.0,
        "options": {"expires": 600},
    },
}

if url := env.str("BILLING_URL", default=""):  # optional: reconcile asks billing's API there
    INSTALLED_APPS = [*INSTALLED_APPS, "reconciliation"]
    RECONCILIATION = {"BILLING_URL": url, "BILLING_TOKEN": env.str("BILLING_TOKEN")}
    CELERY_BEAT_SCHEDULE = CELERY_BEAT_SCHEDULE | {
        # By day in UTC; expires: a night that a stopped worker missed is not caught up at noon.
        "reconcile": {
            "task": "reconciliation.reconcile", "schedule": crontab(hour=3, minute=0), "options": {"expires": 10_800},
        },
    }  # fmt: skip
