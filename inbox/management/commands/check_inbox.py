"""manage.py check_inbox: are events being received? Exit code 0: green, 1: red; one line says why."""

from django.db.backends.base.base import BaseDatabaseWrapper

from inbox.conf import inbox_settings
from inbox.health import check_health
from watching.health import HealthCommand, Verdict


class Command(HealthCommand):
    help = "Say whether events are being received: exit code 0 is green, 1 is red, and one line says why."

    def judge(self, database: BaseDatabaseWrapper, *, host: str | None) -> Verdict:
        return check_health(database, settings=inbox_settings(), host=host)
