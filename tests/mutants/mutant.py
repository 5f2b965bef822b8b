"""What a planted bug is."""

from typing import NamedTuple


class Mutant(NamedTuple):
    """One bug: `old`, found exactly once in `file`, becomes `new`; `test` must fail."""

    name: str
    file: str
    old: str
    new: str
    test: str
    needs_kafka: bool = False
