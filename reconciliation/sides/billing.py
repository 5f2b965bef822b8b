"""Billing's side, from its HTTP API."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx

from reconciliation.conf import ReconciliationSettings
from reconciliation.exceptions import SideUnreachableError
from reconciliation.story import InvoiceFact, LateFact

_PAGE = 500


class Billing:
    """Billing as its API shows it. Every method raises SideUnreachableError."""

    def __init__(self, settings: ReconciliationSettings) -> None:
        self._http = httpx.Client(
            base_url=settings.billing_url, timeout=settings.timeout_seconds,
            headers={"Authorization": f"Bearer {settings.billing_token}"}, transport=httpx.HTTPTransport(retries=2),
        )  # fmt: skip

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()

    def list_invoices(self, first: UUID, end: UUID) -> Iterator[InvoiceFact]:
        """Yield the invoices of payments from `first` on and below `end`, by the payments' ids."""
        for each in self._pages("/booked-invoices", "invoices", _between(first, end)):
            yield InvoiceFact(
                payment_id=UUID(each["payment_id"]), invoice_id=UUID(each["id"]), state=each["state"],
                amount=each["amount"], credited=each["credited"], currency=each["currency"], booked=each["booked"],
                refunds=sorted((note["refund_id"], note["amount"]) for note in each["credit_notes"]),
                kept=each["kept"],
            )  # fmt: skip

    def list_late_payments(self, first: UUID, end: UUID) -> Iterator[LateFact]:
        """Yield the late payments with ids from `first` on and below `end`, by id."""
        for each in self._pages("/late-payments", "payments", _between(first, end)):
            yield LateFact(
                payment_id=UUID(each["payment_id"]), invoice_id=UUID(each["invoice_id"]), amount=each["amount"],
                refunded=each["refunded"], currency=each["currency"],
            )  # fmt: skip

    def list_open_invoices(self) -> Iterator[dict[str, Any]]:
        """Yield the open invoices, the newest first, as GET /invoices shows them."""
        return self._pages("/invoices", "invoices", {"state": "open", "limit": "100"})

    def find_events(self, source: str, event_ids: list[str]) -> list[dict[str, Any]]:
        """Return what billing has received of these events of a source."""
        found: list[dict[str, Any]] = self._get("/received-events", {"source": source, "event_id": event_ids})
        return found

    def _pages(self, path: str, member: str, wanted: dict[str, Any]) -> Iterator[dict[str, Any]]:
        cursor: dict[str, Any] = {}
        while True:
            page = self._get(path, wanted | cursor)
            yield from page[member]
            if page["next_cursor"] is None:
                return
            cursor = {"cursor": page["next_cursor"]}

    def _get(self, path: str, wanted: dict[str, Any]) -> Any:
        try:
            answer = self._http.get(path, params=wanted)
            answer.raise_for_status()
        except httpx.HTTPStatusError as error:
            said = f"{error.response.status_code} {' '.join(error.response.text.split())[:300]}"
            raise SideUnreachableError(f"billing refuses {error.request.url.path}: {said}") from error
        except httpx.HTTPError as error:
            where = f"billing does not answer at {self._http.base_url}"
            raise SideUnreachableError(
                f"{where}: {type(error).__name__}. Is BILLING_URL right, and its web up?"
            ) from error
        return answer.json()


def _between(first: UUID, end: UUID) -> dict[str, Any]:
    return {"payment_from": str(first), "payment_to": str(end), "limit": _PAGE}
