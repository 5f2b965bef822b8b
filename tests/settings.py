"""Settings of the unit and integration tests: both services' apps in one database of the local stack."""

import os

# The tests make and empty their own database: never the one that a service of this machine uses.
for service in ("PAYMENTS", "BILLING"):
    os.environ.pop(f"{service}_DATABASE_URL", None)
    for process in (service, f"{service}_CONSUMER"):
        os.environ.pop(f"{process}_METRICS_PORT", None)  # tests that want metrics choose a port
# A worker of pytest-xdist leads itself, and what it starts, to its own servers (stack/copies.py): no test has to know.
if worker := os.environ.pop("PYTEST_XDIST_WORKER", "").upper():
    if f"DATABASE_URL_{worker}" not in os.environ:
        raise RuntimeError(f"worker {worker} has no servers: ask for as many copies as workers, see the Makefile")
    for name in ("DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS"):
        os.environ.pop(name, None)
        if f"{name}_{worker}" in os.environ:  # `make test-fast` has no broker
            os.environ[name] = os.environ[f"{name}_{worker}"]
os.environ.setdefault("SECRET_KEY", "tests")
os.environ.setdefault("DATABASE_URL", "postgres://postgres@127.0.0.1:5432/doorstep")
os.environ.setdefault("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092")
os.environ["CELERY_BROKER_URL"] = "memory://"  # tasks go nowhere: a nudge may always be lost
os.environ.setdefault("GATEWAY_URL", "http://127.0.0.1:9")
os.environ.setdefault("GATEWAY_API_KEY", "sk_test_doorstep")
os.environ["BILLING_URL"], os.environ["BILLING_TOKEN"] = "http://127.0.0.1:9", "none"  # a test that asks sets them

from services.settings.billing import OUTBOX as BILLING_OUTBOX  # noqa: E402
from services.settings.payments import *  # noqa: E402, F403
from services.settings.payments import INBOX, INSTALLED_APPS, OUTBOX  # noqa: E402

INSTALLED_APPS = [*INSTALLED_APPS, "billing", "search"]
SEARCH = {"URL": os.environ.get("SEARCH_URL", "http://127.0.0.1:9"), "INDEX": "tests-invoices"}
#: Topics outlive the tables of a test: a source of its own keeps a relay from seeing what earlier tests published.
OUTBOX = OUTBOX | {
    "SOURCE": os.environ.get("TESTS_SOURCE", "/tests"),
    "TOPICS": OUTBOX["TOPICS"] | BILLING_OUTBOX["TOPICS"],
}
INBOX = INBOX | {"TOPICS": ["billing.invoice", "payments.payment"]}
SILENCED_SYSTEM_CHECKS = ["inbox.W002"]  # both services' handlers are here
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
