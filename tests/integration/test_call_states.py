"""The table of a gateway call's states: the diagram in the docs is made of it, and no answer goes another way."""

from pathlib import Path

import pytest

from payments.call_states import TRANSITIONS, diagram, is_way
from payments.gateway import Answer
from payments.gateway_calls import conclude
from payments.models import GatewayCall, Payment
from tests.purchases import initiate

State = GatewayCall.State
DOCUMENT = (Path(__file__).parent.parent.parent / "docs/payments.md").read_text()
ANSWERS = [State.CONFIRMED, State.REFUSED, State.UNKNOWN, State.HELD]


def test_the_diagram_in_the_document_is_made_of_the_table() -> None:
    assert f"```mermaid\n{diagram()}\n```" in DOCUMENT, f"put this into docs/payments.md:\n{diagram()}"


def test_every_state_is_reached_and_what_is_settled_stays() -> None:
    assert {State.PENDING, *(end for _, end in TRANSITIONS)} == set(State)
    assert set(State) - {start for start, _ in TRANSITIONS} == {State.CONFIRMED, State.REFUSED}


@pytest.mark.parametrize("start", list(State))
@pytest.mark.usefixtures("log")
def test_an_answer_without_a_way_changes_nothing(start: GatewayCall.State) -> None:
    for answer in ANSWERS:
        call = initiate().gateway_calls.get()
        GatewayCall.objects.filter(pk=call.pk).update(state=start)
        conclude(call.pk, Answer(answer, "lost_card", intent_id="pi_1"))
        call.refresh_from_db()
        assert call.state == (answer if is_way(start, answer) else start)
        settled = {State.CONFIRMED: "captured", State.REFUSED: "declined"}
        status = settled.get(answer, "initiated") if is_way(start, answer) else "initiated"
        assert Payment.objects.get(pk=call.payment_id).status == status
