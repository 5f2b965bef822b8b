"""The states of a gateway call and the ways between them, in one table; docs/payments.md shows it as a diagram."""

from payments.models import GatewayCall
from payments.states import draw

State = GatewayCall.State
#: From, to: what happens. An answer that has no way is late: what is settled, or held, stays as it is.
TRANSITIONS: dict[tuple[GatewayCall.State, GatewayCall.State], str] = {
    (State.PENDING, State.IN_FLIGHT): "a worker takes it",
    (State.IN_FLIGHT, State.IN_FLIGHT): "another takes it, its lease is over",
    (State.UNKNOWN, State.IN_FLIGHT): "tried again, under its key",
    (State.IN_FLIGHT, State.CONFIRMED): "the gateway did it",
    (State.IN_FLIGHT, State.REFUSED): "the gateway will not",
    (State.IN_FLIGHT, State.UNKNOWN): "no answer",
    (State.IN_FLIGHT, State.HELD): "its key is too old to be tried",
    (State.PENDING, State.CONFIRMED): "the gateway told",
    (State.PENDING, State.REFUSED): "the gateway told",
    (State.UNKNOWN, State.CONFIRMED): "told, or a slow worker's answer",
    (State.UNKNOWN, State.REFUSED): "told, or a slow worker's answer",
    (State.UNKNOWN, State.UNKNOWN): "a slow worker had no answer",
    (State.HELD, State.CONFIRMED): "told after all",
    (State.HELD, State.REFUSED): "a person gives it up",
    (State.HELD, State.PENDING): "a person repeats it, under a new key",
}


def is_way(start: str, end: GatewayCall.State) -> bool:
    """Say whether the table has it."""
    return (State(start), end) in TRANSITIONS


def diagram() -> str:
    """Return the table as a Mermaid state diagram."""
    return draw(TRANSITIONS.items(), ["    [*] --> pending"])
