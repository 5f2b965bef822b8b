"""WSGI entry point of both services: SERVICE=payments gunicorn services.wsgi."""

from django.core.wsgi import get_wsgi_application

from services import select_settings

select_settings()
application = get_wsgi_application()
