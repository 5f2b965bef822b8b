"""Settings of victims: the tests' own, with pages small enough that a few events fill several."""

import os

from tests.settings import *  # noqa: F403
from tests.settings import INBOX, OUTBOX

PAGE_SIZE = 7
LEASE_SECONDS = 1.0
MODES = ["idempotent", "transactional"]
OUTBOX = OUTBOX | {
    "MODE": os.environ.get("FAULTS_MODE", "idempotent"),
    "PAGE_SIZE": PAGE_SIZE,
    "STOP_SECONDS": float(os.environ.get("FAULTS_STOP_SECONDS", "10")),
    "LEASE_SECONDS": float(os.environ.get("FAULTS_LEASE_SECONDS", LEASE_SECONDS)),
}
INBOX = INBOX | {
    "CONSUMER": "billing",
    "BATCH_SIZE": 10,
    "GROUP_PROTOCOL": os.environ.get("FAULTS_PROTOCOL", "consumer"),
    "TRANSACTION_SECONDS": float(os.environ.get("FAULTS_TRANSACTION_SECONDS", "2")),
    "OUTBOXES": {OUTBOX["SOURCE"]: ["payments.payment"]},
    "RETENTION_DAYS": 0,
}
BILLING = {"RENEWALS_AT_ONCE": 100}
