"""For the type checker only: every app of the project at once, the gateway's included."""

import os

os.environ.setdefault("GATEWAY_DATABASE", ":memory:")
os.environ.setdefault("GATEWAY_API_KEY", "sk_test_doorstep")

from gateway.settings import API_KEY as API_KEY
from gateway.settings import FAULTS as FAULTS
from gateway.settings import KEY_LIFE_SECONDS as KEY_LIFE_SECONDS
from gateway.settings import SEARCH_LAG_SECONDS as SEARCH_LAG_SECONDS
from gateway.settings import WEBHOOK_SECRET as WEBHOOK_SECRET
from gateway.settings import WEBHOOK_URL as WEBHOOK_URL
from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "gateway"]
