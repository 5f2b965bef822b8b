"""The table of a payment's states: the diagram in the docs is made of it, and nothing else is possible."""

from itertools import pairwise, product
from pathlib import Path

import pytest

from payments.exceptions import InvalidTransitionError
from payments.models import Payment
from payments.states import (
    DISPUTE_TRANSITIONS,
    TRANSITIONS,
    check_transition,
    diagram,
    dispute_diagram,
    dispute_steps,
)

DOCUMENT = Path(__file__).parent.parent.parent / "docs/payments.md"


@pytest.mark.parametrize("drawn", [diagram(), dispute_diagram()], ids=["payment", "dispute"])
def test_the_diagram_in_the_docs_is_the_table(drawn: str) -> None:
    assert f"```mermaid\n{drawn}\n```" in DOCUMENT.read_text(), f"put this into docs/payments.md:\n{drawn}"


@pytest.mark.parametrize("way", list(product(Payment.Status, Payment.Status)), ids=str)
def test_only_the_ways_of_the_table_are_possible(way: tuple[Payment.Status, Payment.Status]) -> None:
    start, end = way
    if way in TRANSITIONS:
        check_transition(Payment(status=start), end)
    else:
        with pytest.raises(InvalidTransitionError, match=f"is {start}: it cannot become {end}"):
            check_transition(Payment(status=start), end)


@pytest.mark.parametrize("known", Payment.DisputeStatus)
@pytest.mark.parametrize("newest", [each for each in Payment.DisputeStatus if each])
def test_a_dispute_goes_by_the_ways_of_its_table_to_the_newest_state_or_stays(
    known: Payment.DisputeStatus, newest: Payment.DisputeStatus
) -> None:
    steps = [known, *dispute_steps(known, newest)]
    assert all(way in DISPUTE_TRANSITIONS for way in pairwise(steps))
    if not known or (known == "opened" and newest != "opened"):
        assert steps[-1] == newest
    else:
        assert steps == [known], "closed stays closed, and opened is known"
