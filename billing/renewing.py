"""Renewals: one invoice a billing cycle, however often and in how many copies this runs, whatever is killed.

A chunk of subscriptions is locked, invoiced, booked, announced and moved on in one transaction.
"""

from datetime import date
from typing import Any
from uuid import UUID

import structlog
from django.db import connection, transaction

from billing import sql
from billing.conf import billing_settings
from billing.ledger import SALE, Cause, lines
from billing.models import Invoice, LedgerEntry
from billing.operations import issued_event
from outbox import record_many
from outbox.conf import outbox_settings

logger = structlog.get_logger(__name__)


def renew_subscriptions(as_of: date) -> int:
    """Issue every invoice whose cycle begins on that day or before, cycles that were missed included; return how many.

    What another renewal is at work on is left to it.
    """
    total = 0
    while (count := renew_chunk(as_of)) is not None:
        total += count
    logger.info("subscriptions renewed", as_of=as_of.isoformat(), invoices=total)
    return total


@transaction.atomic
def renew_chunk(as_of: date) -> int | None:
    """Issue the next invoices, one a subscription at most, and return how many; None: nothing is due."""
    due = _ids(sql.TAKE_DUE, {"as_of": as_of, "limit": billing_settings().renewals_at_once})
    if not due:
        return None
    issued = list(Invoice.objects.filter(pk__in=_ids(sql.ISSUE, {"ids": due})).order_by("pk"))
    with connection.cursor() as cursor:
        cursor.execute(sql.MOVE_ON, {"ids": due})
    _announce(issued)
    return len(issued)


def _announce(issued: list[Invoice]) -> None:
    """Record that the invoices were issued, and book them under these events of ours: no received one caused them."""
    source, ids = outbox_settings().source, record_many([issued_event(invoice) for invoice in issued])
    booked = [
        line
        for invoice, event_id in zip(issued, ids, strict=True)
        for line in lines(invoice, Cause(source, str(event_id)), (SALE,), amount=invoice.amount)
    ]
    LedgerEntry.objects.bulk_create(booked)


def _ids(statement: str, parameters: dict[str, Any]) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [row[0] for row in cursor.fetchall()]
