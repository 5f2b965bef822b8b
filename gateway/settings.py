"""Settings of the gateway's own Django project: only what an API with one SQLite file needs."""

import environ
from django.core.exceptions import ImproperlyConfigured

from gateway.faults import read_rates

env = environ.Env()


def read_url(text: str) -> str:
    """Return the URL that events are told to. Raises ImproperlyConfigured when it is not one of HTTP."""
    if text and not text.startswith(("http://", "https://")):
        raise ImproperlyConfigured(f"GATEWAY_WEBHOOK_URL={text!r}: expected is http://... or https://...")
    return text


SECRET_KEY = env.str("GATEWAY_API_KEY")  # nothing is signed; Django wants one
API_KEY = env.str("GATEWAY_API_KEY")
FAULTS = read_rates(env.str("GATEWAY_FAULTS", default=""))
KEY_LIFE_SECONDS = env.float("GATEWAY_KEY_LIFE_SECONDS", default=24 * 60 * 60)  # Stripe: "at least 24 hours"
SEARCH_LAG_SECONDS = env.int("GATEWAY_SEARCH_LAG_SECONDS", default=0)  # Stripe: "under 1 minute"
WEBHOOK_URL = read_url(env.str("GATEWAY_WEBHOOK_URL", default=""))  # empty: events are kept, and told to nobody
WEBHOOK_SECRET = env.str("GATEWAY_WEBHOOK_SECRET") if WEBHOOK_URL else ""
ALLOWED_HOSTS = ["*"]  # a stand-in for the outside world, on a developer's machine
ROOT_URLCONF = "gateway.urls"
INSTALLED_APPS = ["gateway"]
MIDDLEWARE: list[str] = []
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": env.str("GATEWAY_DATABASE"),
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",  # a writer waits its turn at BEGIN instead of failing half-way
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
