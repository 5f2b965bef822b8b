"""Settings of the payments service while it is measured: as it is, with one more operation to compare with."""

import os

from services.settings.payments import *  # noqa: F403
from services.settings.payments import DATABASES

ROOT_URLCONF = "bench.bare_payments"
DATABASES["default"]["NAME"] = os.environ["POSTING_DATABASE"]
ACCESS = {"RATE_REQUESTS": 1_000_000}  # counted, never refused
