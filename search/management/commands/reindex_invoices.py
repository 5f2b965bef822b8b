"""manage.py reindex_invoices: a new index from the database, while traffic goes on."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from search.conf import search_settings
from search.exceptions import SearchError
from search.reindexing import reindex


class Command(BaseCommand):
    help = "Fill a new index with all invoices, make it the one that is searched, and remove the one before it."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            name, count = reindex()
        except SearchError as error:
            raise CommandError(f"{error} (what is searched is as it was)") from error
        self.stdout.write(f"{name} has {count:,} invoices and is searched as {search_settings().index}")
