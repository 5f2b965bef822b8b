"""What a planted bug is."""

from typing import NamedTuple


class Edit(NamedTuple):
    """`old`, found exactly once in `file`, becomes `new`."""

    file: str
    old: str
    new: str


class Mutant(NamedTuple):
    """One bug: an edit, and others where it takes more than one; `test` must fail."""

    name: str
    file: str
    old: str
    new: str
    test: str
    needs_kafka: bool = False
    also: tuple[Edit, ...] = ()

    @property
    def edits(self) -> list[Edit]:
        """All of them."""
        return [Edit(self.file, self.old, self.new), *self.also]
