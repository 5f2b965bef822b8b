"""The Celery app of both services: SERVICE=payments celery -A services worker --queues payments.

Tasks are nudges, the rows are the truth (see docs): the broker may be lost with all that is in it.
"""

from celery import Celery

from services import select_settings

select_settings()
app = Celery("services")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
