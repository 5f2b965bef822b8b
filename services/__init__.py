"""The Django project package: settings, URLs, WSGI and Celery entry points of both services.

One code base, two services: the environment variable SERVICE says which one this process is. (In this project a
"service" is a deployable process group, never a layer of code.)
"""

import os

SERVICES = ("payments", "billing")


def select_settings() -> None:
    """Point Django at the settings of SERVICE. Ends the process, naming the variable, when that is not possible."""
    service = os.environ.get("SERVICE")
    if service not in SERVICES:
        raise SystemExit(f"SERVICE is {service!r}: set it to one of {', '.join(SERVICES)}")
    os.environ["DJANGO_SETTINGS_MODULE"] = f"services.settings.{service}"
