"""Projections: read models that handlers feed, and that `manage.py rebuild_projection` makes anew from the topics.

A projection is a version, a table of its own and one function that adds events to it. What it adds follows from the
events alone, and two events of different keys may come in either order: then a replay ends with the same rows.
"""

from pydantic import BaseModel

from billing.projections.projecting import Projection
from billing.projections.revenue import REVENUE_BY_DAY
from billing.projections.statement import STATEMENT
from outbox.envelope import Envelope

PROJECTIONS: dict[str, Projection] = {each.name: each for each in (STATEMENT, REVENUE_BY_DAY)}


def project(facts: BaseModel, envelope: Envelope) -> None:
    """Add an event to all projections, in the transaction of its handler. facts: the model that the handler reads."""
    for projection in PROJECTIONS.values():
        projection.add([(facts, envelope)])
