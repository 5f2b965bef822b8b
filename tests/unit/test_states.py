"""The state machines: what docs/billing.md shows is what the tables say, and nothing else is possible."""

from itertools import product
from pathlib import Path

import pytest

from billing.exceptions import InvalidTransitionError
from billing.models import Invoice, Subscription
from billing.states import INVOICE, SUBSCRIPTION, Happening, Way, diagram, move

DOCUMENT = (Path(__file__).parent.parent.parent / "docs/billing.md").read_text()
MACHINES = [(Invoice, INVOICE, "open"), (Subscription, SUBSCRIPTION, "active")]


@pytest.mark.parametrize(("model", "ways", "first"), MACHINES)
def test_the_diagram_in_the_document_is_made_of_the_table(
    model: type[Invoice | Subscription], ways: list[Way], first: str
) -> None:
    assert f"```mermaid\n{diagram(ways, first=first)}\n```" in DOCUMENT


@pytest.mark.parametrize(("model", "ways", "first"), MACHINES)
def test_only_the_ways_of_the_table_can_be_gone(
    model: type[Invoice | Subscription], ways: list[Way], first: str
) -> None:
    table = {(way.origin, way.happening): way.target for way in ways}
    for state, happening in product(model.State.values, Happening):
        thing = model(state=state, version=1)
        if (state, happening) in table:
            move(thing, happening)
            assert (thing.state, thing.version) == (table[state, happening], 2)
        else:
            with pytest.raises(InvalidTransitionError, match=state):
                move(thing, happening)
            assert (thing.state, thing.version) == (state, 1)


@pytest.mark.parametrize(("model", "ways", "first"), MACHINES)
def test_every_state_is_reached(model: type[Invoice | Subscription], ways: list[Way], first: str) -> None:
    assert {first, *(way.target for way in ways)} == set(model.State.values)
