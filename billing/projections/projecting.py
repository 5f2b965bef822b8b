"""What a projection is."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from django.db.models import Model

from inbox.handlers import Event


class Projection(NamedTuple):
    """A read model. Raise the version with any change of what `add` writes, deploy, then rebuild it.

    model: its table, with one primary key; event_types: the versions that handlers read; add: called by handlers with
    one event, by a rebuild with many, of different keys in any order. It touches no other table: a rebuild sees none.
    """

    version: int
    model: type[Model]
    event_types: frozenset[str]
    add: Callable[[Sequence[Event]], None]

    @property
    def name(self) -> str:
        """What people call it: the model's name."""
        return self.model.__name__
