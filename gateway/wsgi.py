"""WSGI entry point: gunicorn gateway.wsgi --workers 1 --threads 16."""

import os

from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

os.environ["DJANGO_SETTINGS_MODULE"] = "gateway.settings"
try:
    application = get_wsgi_application()
except ImproperlyConfigured as error:
    raise SystemExit(f"gateway: {error}") from None
