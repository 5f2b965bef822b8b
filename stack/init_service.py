"""SERVICE=payments python -m stack.init_service [--without-topics]: tables, topics, admin user, token in API_TOKEN.

In one process, because most of what three commands cost is Django's start.
"""

import sys

import services.celery  # noqa: F401  (selects the settings of SERVICE)

ADMIN_NAME = ADMIN_PASSWORD = "admin"  # noqa: S105  (of a server that listens on this machine only)


def init(*, with_topics: bool) -> None:
    """Make what is missing; running it twice is fine."""
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    if with_topics:
        call_command("make_topics")
    if not User.objects.filter(username=ADMIN_NAME).exists():
        User.objects.create_superuser(ADMIN_NAME, password=ADMIN_PASSWORD)
    call_command("make_token", owner="developer", all_scopes=True, token_from="API_TOKEN")  # noqa: S106


if __name__ == "__main__":
    init(with_topics="--without-topics" not in sys.argv)
