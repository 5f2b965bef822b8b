"""What both services share. Everything that differs between machines comes from the environment.

A missing variable ends the process at once with its name (django-environ's ImproperlyConfigured).
"""

import os
from pathlib import Path
from typing import Any

import environ

from services.logging import configure_logging

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent.parent

SECRET_KEY = env.str("SECRET_KEY")
DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "ninja",  # its pages of the API without a CDN
    "admin_pages",
    "watching",
    "access",
    "outbox",
    "inbox",
    "idempotency",
    "bookmarks",
    "contracts",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "services.problems.problems_everywhere",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
WSGI_APPLICATION = "services.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
USE_I18N = False
FORMAT_MODULE_PATH = ["services.formats"]  # times with seconds; DATETIME_FORMAT here would have no effect
STATIC_URL = "static/"
# Static files are few and the admin's: served from the packages, without a collectstatic step to forget.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
DATA_UPLOAD_MAX_MEMORY_SIZE = 65_536  # the largest body that the API reads; more is answered with 413

LOGGING_CONFIG = None
configure_logging(level=env.str("LOG_LEVEL", default="INFO"))


#: A peer that is gone without a word is noticed within some ten seconds, not by the kernel's default of two hours.
HALF_OPEN = {
    "connect_timeout": 10, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}  # fmt: skip


def database(service: str) -> dict[str, Any]:
    """Return the DATABASES entry: <SERVICE>_DATABASE_URL, else DATABASE_URL (postgres://user:password@host:port/name)."""
    own = f"{service.upper()}_DATABASE_URL"
    config: dict[str, Any] = env.db_url(own if own in os.environ else "DATABASE_URL")
    config["OPTIONS"] = HALF_OPEN | config.get("OPTIONS", {})
    # Health checks: a connection that the database closed (a restart, a fail-over) is replaced, not raised.
    return config | {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}


METRICS_HOST = env.str("METRICS_HOST", default="127.0.0.1")


def metrics_port(process: str) -> int:
    """Return <PROCESS>_METRICS_PORT, of the relay ("payments") or of the consumer ("payments_consumer"); 0 is off."""
    port: int = env.int(f"{process.upper()}_METRICS_PORT", default=0)
    return port


KAFKA_BOOTSTRAP_SERVERS = env.str("KAFKA_BOOTSTRAP_SERVERS")
KAFKA_REPLICATION_FACTOR = env.int("KAFKA_REPLICATION_FACTOR", default=1)

CELERY_BROKER_URL = env.str("CELERY_BROKER_URL")
if CELERY_BROKER_URL.startswith("filesystem:"):
    CELERY_BROKER_TRANSPORT = "services.folder_broker:Transport"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True  # a killed worker's task is delivered again where the broker can; the sweeper is the net
CELERY_TASK_PUBLISH_RETRY = False  # nor does it try again: the sweeper finds the row
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 4
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    # expires: runs that a stopped worker missed are not caught up.
    "maintain outbox": {"task": "outbox.maintain_outbox", "schedule": 60.0, "options": {"expires": 60}},
    "prune inbox": {"task": "inbox.prune_inbox", "schedule": 60.0, "options": {"expires": 60}},
    "prune idempotency keys": {"task": "idempotency.prune_keys", "schedule": 60.0, "options": {"expires": 60}},
}


def celery_transport_options(service: str) -> dict[str, Any]:
    """Return the broker's options: for filesystem:// (the local stack's) a folder a service, as workers list theirs.

    Otherwise: one attempt, of a second at most. A request that only nudges must not wait for a broker that is away.
    """
    if not CELERY_BROKER_URL.startswith("filesystem:"):
        return {"max_retries": 0, "socket_connect_timeout": 1.0}
    folder = Path(env.str("CELERY_FILESYSTEM_FOLDER", default=".")) / service
    (folder / "control").mkdir(parents=True, exist_ok=True)
    return {
        "data_folder_in": str(folder),
        "data_folder_out": str(folder),
        "control_folder": str(folder / "control"),
        "polling_interval": 0.05,
    }
