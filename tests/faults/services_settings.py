"""One service as in production, but for the length of its steps: some hundred renewals are then many transactions."""

import os
from importlib import import_module

_service = import_module(f"services.settings.{os.environ['SERVICE']}")
globals().update(vars(_service))
INBOX = _service.INBOX | {"BATCH_SIZE": 10}
BILLING = {"RENEWALS_AT_ONCE": 20}
