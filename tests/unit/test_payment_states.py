"""The table of a payment's states: the diagram in the docs is made of it, and nothing else is possible."""

from itertools import product
from pathlib import Path

import pytest

from payments.exceptions import InvalidTransitionError
from payments.models import Payment
from payments.states import TRANSITIONS, check_transition, diagram

DOCUMENT = Path(__file__).parent.parent.parent / "docs/payments.md"


def test_the_diagram_in_the_docs_is_the_table() -> None:
    shown = DOCUMENT.read_text().partition("```mermaid\n")[2].partition("\n```")[0]
    assert shown == diagram(), f"put this into docs/payments.md:\n{diagram()}"


@pytest.mark.parametrize("way", list(product(Payment.Status, Payment.Status)), ids=str)
def test_only_the_ways_of_the_table_are_possible(way: tuple[Payment.Status, Payment.Status]) -> None:
    start, end = way
    if way in TRANSITIONS:
        check_transition(Payment(status=start), end)
    else:
        with pytest.raises(InvalidTransitionError, match=f"is {start}: it cannot become {end}"):
            check_transition(Payment(status=start), end)
