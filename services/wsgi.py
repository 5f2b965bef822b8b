"""WSGI entry point of both services: SERVICE=payments gunicorn services.wsgi."""

from django.core.wsgi import get_wsgi_application

import services.celery  # noqa: F401  (sends tasks where the settings say; selects the settings of SERVICE)

application = get_wsgi_application()
