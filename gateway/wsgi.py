"""WSGI entry point, and the loop that delivers events: gunicorn gateway.wsgi --workers 1 --threads 16."""

import os

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

os.environ["DJANGO_SETTINGS_MODULE"] = "gateway.settings"
try:
    application = get_wsgi_application()
except ImproperlyConfigured as error:
    raise SystemExit(f"gateway: {error}") from None

from gateway.webhooks import Deliverer

if settings.WEBHOOK_URL:
    Deliverer().start()
