"""Both services and the gateway, joined without Kafka: purchases that go their whole way, and what reconcile says."""

import sqlite3
from contextlib import closing
from io import StringIO
from typing import Any
from uuid import UUID

from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from access.tokens import make_token
from inbox.offsets import read_offsets
from inbox.receiving import receive
from inbox.record import Record, read_record
from inbox.testing import drain_inbox
from outbox.testing import MemoryPublisher, drain_outbox
from payments.gateway_calls import make_call
from payments.models import GatewayCall, Payment
from payments.operations import initiate_payment
from tests.gateway_process import GatewayProcess
from watching.topics import Topic


class Money:
    """`buy()` and what else happens; `settle()` brings all of it to its end; `reconcile()` says what differs."""

    def __init__(self, gateway: GatewayProcess, settings: Settings) -> None:
        self.gateway = gateway
        self.settings = settings
        self.broker = MemoryPublisher(topics=settings.OUTBOX["TOPICS"])

    def buy(self, amount: int = 1999, **changes: str) -> Payment:
        """A purchase whose gateway call is still to be made."""
        facts = {"customer_id": "c-1", "reference": "order 1", "currency": "USD", "payment_method": "pm_card_visa"}
        return initiate_payment(amount=amount, **(facts | changes))

    def pay(self, amount: int = 1999, **changes: str) -> Payment:
        """A purchase that went its whole way."""
        payment = self.buy(amount, **changes)
        self.settle()
        payment.refresh_from_db()
        return payment

    def settle(self) -> None:
        """Make calls, publish and receive until nothing moves any more."""
        while self.call_gateway() + self.publish():
            for consumer in ("billing", "payments"):
                drain_inbox(self.broker.log, consumer=consumer)

    def call_gateway(self) -> int:
        """Make every gateway call that waits; return how many."""
        waiting = list(GatewayCall.objects.filter(state="pending"))
        for call in waiting:
            make_call(call.pk)
        return len(waiting)

    def publish(self) -> int:
        """Publish what was recorded; return how many events."""
        return drain_outbox(self.broker)

    def receive_and_park(self, topic: str, *, consumer: str) -> None:
        """The consumer receives what the topic holds, and parks what fails at the first try."""
        for partition, published in self.broker.log.items():
            if partition[0] == topic and published:
                read_offsets(consumer, [partition], topics={topic: Topic("", 0)}, earliest=lambda _: 0)
                records = [_record(partition, offset, each) for offset, each in enumerate(published)]
                receive(consumer, records, expected={partition: 0}, attempts=1)

    def charge(self, **changes: Any) -> str:
        """Somebody charges at the gateway, past payments; return the charge's id."""
        return str(self.gateway.make(**({"confirm": True} | changes)).latest_charge)

    def run_at_gateway(self, statement: str) -> None:
        """Change what the gateway knows, as no API can."""
        with closing(sqlite3.connect(self.gateway.environment["GATEWAY_DATABASE"], timeout=10)) as database:
            database.executescript(statement)

    def reconcile(self, *options: str, grace: int = 0) -> str:
        """Return the output of the command; its last line is that of the error when something differs."""
        self.settings.RECONCILIATION = self.settings.RECONCILIATION | {"GRACE_SECONDS": grace}
        out = StringIO()
        try:
            call_command("reconcile", *options, stdout=out)
        except CommandError as error:
            return f"{out.getvalue()}exit code {error.returncode}: {error}"
        return out.getvalue()


def _record(partition: tuple[str, int], offset: int, published: Any) -> Record:
    headers = [(name, text.encode() if isinstance(text, str) else text) for name, text in published.headers]
    topic, number = partition
    return read_record(
        topic=topic, partition=number, offset=offset, key=published.key, value=published.value, headers=headers
    )


def ask_billing_at(url: str, settings: Settings, *, owner: Any) -> None:
    """Point the reconciliation at billing's API, and make that API the one of billing's process."""
    token, _ = make_token(owner, scopes=["billing:read"])
    settings.ROOT_URLCONF, settings.INBOX = "services.urls.billing", settings.INBOX | {"CONSUMER": "billing"}
    settings.RECONCILIATION = settings.RECONCILIATION | {"BILLING_URL": url, "BILLING_TOKEN": token}


def kinds_of(said: str, payment_id: UUID | str = "") -> set[str]:
    """The kinds of differences that the output has (about this payment)."""
    lines = [
        line for line in said.splitlines() if not line.startswith(("    ", "exit code")) and str(payment_id) in line
    ]
    return {line.split()[0] for line in lines}
