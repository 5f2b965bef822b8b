"""Settings of the bench: outbox and inbox in a database of their own on the server that DATABASE_URL names."""

import environ

from services.logging import configure_logging

env = environ.Env()
SECRET_KEY = env.str("SECRET_KEY", default="bench")
INSTALLED_APPS = ["django.contrib.contenttypes", "outbox", "inbox", "billing", "bench"]
SILENCED_SYSTEM_CHECKS = ["inbox.W001", "inbox.W002"]  # topics and consumer are chosen by what is measured
USE_TZ = True
LOGGING_CONFIG = None
configure_logging(level="WARNING")

DATABASES = {"default": env.db_url("DATABASE_URL") | {"NAME": "doorstep_bench"}}
OUTBOX = {
    "SOURCE": "/doorstep/bench",
    "BOOTSTRAP_SERVERS": env.str("KAFKA_BOOTSTRAP_SERVERS"),
    "TOPICS": {"bench.event": 6},
}
INBOX = {
    "CONSUMER": "bench",
    "BOOTSTRAP_SERVERS": env.str("KAFKA_BOOTSTRAP_SERVERS"),
    "TOPICS": [env.str("BENCH_TOPIC", default="bench.event")],
}
