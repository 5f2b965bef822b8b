"""Any interleaving of receiving, redelivery, pruning and being sent back has the effects of a set of all ids."""

from datetime import timedelta

import pytest
from django.db.models import F, Value
from django.utils import timezone
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from hypothesis.strategies import integers, lists, sampled_from
from pydantic import BaseModel
from pytest_django.fixtures import Settings

from inbox import handles
from inbox.models import InboxEvent, InboxHorizon, InboxOffset, ParkedEvent
from inbox.record import Record
from inbox.testing import temporary_handlers
from outbox.envelope import Envelope
from tests.outbox_records import RETENTION, of_outbox, park, prune, receive_all
from tests.races.horizon_model import EARLY, LATE, Model, Sent
from tests.records import TOPIC

NUMBERS = integers(0, 40)
Kind = tuple[str, bool]
#: Type, and whether it is foreign.
KINDS = sampled_from([(EARLY, False), (EARLY, False), (LATE, False), (EARLY, True)])


class Anything(BaseModel):
    """What the handlers read."""


class Horizon(RuleBasedStateMachine):
    """Each rule is one step of a producer, a killed relay, the consumer, the pruning or a person."""

    def __init__(self) -> None:
        super().__init__()
        for model in (InboxEvent, InboxHorizon, InboxOffset, ParkedEvent):
            model.objects.all().delete()
        InboxOffset.objects.create(consumer="billing", topic=TOPIC, partition=0, next_offset=0)
        self.model = Model()
        self.applied: list[str] = []
        self.handlers = temporary_handlers()
        self.handlers.__enter__()
        self._declare(EARLY)

    @initialize(kinds=lists(KINDS, max_size=12), number=NUMBERS)
    def start(self, kinds: list[Kind], number: int) -> None:
        """The first start, mostly in the middle of what is there."""
        self.publish(kinds)
        self.model.start_at(number % (len(kinds) + 1))
        self._move()

    @rule(kinds=lists(KINDS, min_size=1, max_size=6))
    def publish(self, kinds: list[Kind]) -> None:
        for event_type, is_foreign in kinds:
            self.model.wire.append(Sent(len(set(self.model.wire)), event_type, is_foreign))

    @precondition(lambda self: self.model.repeatable())
    @rule(number=NUMBERS, count=integers(1, 4))
    def repeat(self, number: int, count: int) -> None:
        again = self.model.repeatable()
        self.model.wire += again[number % len(again) :][:count]

    @precondition(lambda self: self.model.place < len(self.model.wire))
    @rule(count=integers(1, 4))
    def receive(self, count: int) -> None:
        records = [self._record(place) for place in range(self.model.place, len(self.model.wire))][:count]
        expected: dict[str, int] = {}
        for _ in records:
            outcome = self.model.receive()
            expected[outcome] = expected.get(outcome, 0) + 1
        assert receive_all(*records) == expected

    @precondition(lambda self: self.model.place < len(self.model.wire))
    @rule()
    def fail(self) -> None:
        record = self._record(self.model.place)
        if self.model.park():
            park(record)

    @precondition(lambda self: self.model.parked)
    @rule(number=NUMBERS)
    def resolve(self, number: int) -> None:
        sent = self.model.parked.pop(number % len(self.model.parked))
        ParkedEvent.objects.filter(source=sent.source, event_id=sent.id).update(
            resolved_at=timezone.now(), resolution="applied"
        )

    @rule(number=NUMBERS)
    def send_back(self, number: int) -> None:
        self.model.place = number % (self.model.place + 1)
        self._move()

    @precondition(lambda self: LATE not in self.model.handled and self.model.has_ignored(LATE))
    @rule()
    def declare_a_handler(self) -> None:
        self._declare(LATE)
        self.model.handled.add(LATE)

    @rule(share=sampled_from([1, 1, 1, 2, 3]), rest=integers(0, 2))
    def prune(self, share: int, rest: int) -> None:
        """A third, a half or all of the ids have become old."""
        old = InboxEvent.objects.annotate(n=F("offset") % Value(share)).filter(n=rest % share)
        old.update(received_at=F("received_at") - timedelta(days=31))
        before = self._remembered()
        prune(RETENTION_DAYS=30)
        for sent in before - self._remembered():
            assert sent not in self.model.parked, "an unresolved parked event keeps its id"
            self.model.forget(sent)

    @invariant()
    def every_event_took_effect_as_often_as_it_should(self) -> None:
        assert self.applied == self.model.applied

    def teardown(self) -> None:
        """At last the whole partition once more, from its beginning, with everything pruned that may be."""
        try:
            self._receive_the_rest()
            self.prune(1, 0)
            self.send_back(0)
            self._receive_the_rest()
            self.every_event_took_effect_as_often_as_it_should()
        finally:
            self.handlers.__exit__(None, None, None)

    def _receive_the_rest(self) -> None:
        if self.model.place < len(self.model.wire):
            self.receive(len(self.model.wire))

    def _move(self) -> None:
        InboxOffset.objects.update(next_offset=self.model.place)

    def _record(self, place: int) -> Record:
        sent = self.model.wire[place]
        foreign = {"source": sent.source, "sequence": None} if sent.is_foreign else {}
        return of_outbox(place, sent.number, type=sent.event_type, key=sent.key, **foreign)

    def _remembered(self) -> set[Sent]:
        known = set(InboxEvent.objects.values_list("source", "event_id"))
        return {sent for sent in self.model.wire if (sent.source, sent.id) in known}

    def _declare(self, event_type: str) -> None:
        def note(_: Anything, envelope: Envelope) -> None:
            self.applied.append(envelope.id)

        note.__module__ = "billing.handlers"
        handles(event_type, Anything)(note)


@pytest.mark.usefixtures("log")
def test_every_interleaving_of_redelivery_and_pruning_has_the_effects_of_a_set_of_all_ids(settings: Settings) -> None:
    settings.INBOX = settings.INBOX | RETENTION
    run_state_machine_as_test(Horizon)
