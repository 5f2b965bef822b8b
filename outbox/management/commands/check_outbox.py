"""manage.py check_outbox: is the outbox being published? Exit code 0: green, 1: red; one line says why."""

from django.db.backends.base.base import BaseDatabaseWrapper

from outbox.conf import outbox_settings
from outbox.health import check_health
from watching.health import HealthCommand, Verdict


class Command(HealthCommand):
    help = "Say whether the outbox is being published: exit code 0 is green, 1 is red, and one line says why."

    def judge(self, database: BaseDatabaseWrapper, *, host: str | None) -> Verdict:
        return check_health(database, settings=outbox_settings(), host=host)
