"""A process that meets its fate at a point: python -m tests.search.victim POINT SIGNAL ROLE SEARCH.

It sweeps or reindexes with the settings SEARCH, as JSON, and production code unchanged; see tests/faults/tripping.py.
"""

import json
import sys

import django
from django.conf import settings

from search import sql
from tests.faults.killing import Victim
from tests.faults.points import Trip
from tests.faults.tripping import arm, signal_at

_READ = 'SELECT "search_indexedinvoice"'
POINTS = {
    "nothing read": (Trip("before", _READ), 1),
    "read, not put": (Trip("after", _READ), 1),
    "put, not marked": (Trip("before", sql.MARK), 1),
    "second page": (Trip("before", _READ), 2),
}


class SearchVictim(Victim):
    """Role: sweep or reindex."""

    module = "tests.search.victim"


def main(point: str, signum: int, role: str, search: str) -> None:
    """Arm the point and run the role."""
    trip, hit = POINTS[point]
    arm(trip, signal_at(hit, signum))
    settings.SEARCH = json.loads(search)
    django.setup()
    from search.indexing import index_batch
    from search.reindexing import reindex

    {"sweep": index_batch, "reindex": reindex}[role]()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4])
