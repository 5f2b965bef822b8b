"""The gateway's side, from its lists. They come newest first, not by payment: a temporary table turns the order.

Lists, never searches: those run behind (https://docs.stripe.com/search#data-freshness).
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

import stripe
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from payments.gateway import list_charges, list_refunds
from reconciliation import sql
from reconciliation.exceptions import SideUnreachableError
from reconciliation.story import ChargeFact, Refunds, Span

_PAGE = 500
#: A charge is made after its payment; so much may the gateway's clock be behind ours.
_SLACK = timedelta(hours=1)


class Spool:
    """The captured charges and the refunds since a moment, in temporary tables of a connection of their own."""

    def __init__(self, database: BaseDatabaseWrapper) -> None:
        self._database = database

    def fill(self, since: datetime) -> None:
        """Read the gateway's lists, a page at a time, outside any transaction. Raises SideUnreachableError."""
        wanted = {"created": {"gte": int((since - _SLACK).timestamp())}}
        self._run(sql.MAKE_TABLES)
        with _asking():
            self._insert(sql.INSERT_CHARGE, (_charge_row(each) for each in list_charges(**wanted) if _is_taken(each)))
            self._insert(sql.INSERT_REFUND, (_refund_row(each) for each in list_refunds(**wanted) if _is_back(each)))
        self._run(sql.MAKE_INDEXES)

    def list_charges(self, first: UUID, end: UUID) -> Iterator[ChargeFact]:
        """Yield the charges of payments from `first` on and below `end`, by the payments' ids."""
        wanted: dict[str, Any] = {"first": first, "end": end, "after": "", "limit": _PAGE}
        while page := self._run(sql.READ_CHARGES, wanted):
            yield from map(_stored, page)
            wanted |= {"first": page[-1][1], "after": page[-1][0]}

    def list_unnamed(self, span: Span) -> Iterator[ChargeFact]:
        """Yield the charges of the span that name no payment, by their own ids."""
        wanted: dict[str, Any] = {"first": span.first, "end": span.end, "after": "", "limit": _PAGE}
        while page := self._run(sql.READ_UNNAMED, wanted):
            yield from map(_stored, page)
            wanted |= {"after": page[-1][0]}

    def _insert(self, statement: str, rows: Iterator[tuple[Any, ...]]) -> None:
        while page := list(islice(rows, _PAGE)):
            with self._database.cursor() as cursor:
                cursor.executemany(statement, page)

    def _run(self, statement: str, wanted: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        with self._database.cursor() as cursor:
            cursor.execute(statement, wanted)
            return cursor.fetchall() if cursor.description else []


@contextmanager
def open_spool() -> Iterator[Spool]:
    """Give an empty spool; its tables end with its connection, however this process ends."""
    with closing(connection.copy()) as database:
        yield Spool(database)


def find_charges(intents: Iterable[str]) -> Iterator[ChargeFact]:
    """Yield what the gateway took for these intents, as it is now. Raises SideUnreachableError."""
    with _asking():
        for intent in intents:
            refunds = [_refund_row(each) for each in list_refunds(payment_intent=intent) if _is_back(each)]
            for each in list_charges(payment_intent=intent):
                if _is_taken(each):
                    own = [list(row[2:]) for row in refunds if row[1] == each.id]
                    yield _fact((*_charge_row(each), own))


@contextmanager
def _asking() -> Iterator[None]:
    try:
        yield
    except stripe.StripeError as error:
        said = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        raise SideUnreachableError(f"the gateway did not say: {said}. Is GATEWAY_URL right?") from error


def _is_taken(charge: Any) -> bool:
    return bool(charge.amount_captured)


def _is_back(refund: Any) -> bool:
    return bool(refund.status == "succeeded")


def _charge_row(charge: Any) -> tuple[Any, ...]:
    payment_id = _uuid(getattr(charge.metadata, "payment_id", ""))
    made_at = datetime.fromtimestamp(charge.created, UTC)
    return charge.id, payment_id, charge.payment_intent or "", charge.amount_captured, charge.currency.upper(), made_at


def _refund_row(refund: Any) -> tuple[Any, ...]:
    ours = getattr(refund.metadata, "gateway_call", "").partition(":refund:")[2]
    return refund.id, refund.charge, ours or refund.id, refund.amount, refund.created


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _stored(row: tuple[Any, ...]) -> ChargeFact:
    return _fact((*row[:-1], json.loads(row[-1])))


def _fact(row: tuple[Any, ...]) -> ChargeFact:
    charge_id, payment_id, intent, amount, currency, made_at, found = row
    refunds: Refunds = sorted((name, amount) for name, amount, _ in found)
    changed_at = max([made_at, *(datetime.fromtimestamp(seconds, UTC) for _, _, seconds in found)])
    return ChargeFact(
        payment_id=payment_id, charge_id=charge_id, intent=intent, amount=amount, currency=currency, refunds=refunds,
        changed_at=changed_at,
    )  # fmt: skip
