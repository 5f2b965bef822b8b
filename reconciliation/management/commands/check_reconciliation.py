"""manage.py check_reconciliation: did it run, and did money agree? Exit code 0: green, 1: red, and one line."""

from django.db.backends.base.base import BaseDatabaseWrapper

from reconciliation.conf import reconciliation_settings
from reconciliation.health import check_health
from watching.health import HealthCommand, Verdict


class Command(HealthCommand):
    help = "Say how the last reconciliation ended: exit code 0 is green, 1 is red, and one line says why."

    def judge(self, database: BaseDatabaseWrapper, *, host: str | None) -> Verdict:
        return check_health(settings=reconciliation_settings())
