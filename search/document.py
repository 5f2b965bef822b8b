"""An invoice as the index holds it, and how each field can be found."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

#: A term has 32,766 bytes at most, a character up to four: what is longer is kept, and not found by its whole value.
_WORD = {"type": "keyword", "ignore_above": 8_191}
#: reference is text: found by its words. The rest is found by the whole value. What is not named here is kept in the
#: document and not indexed: code that writes a new field may run before the index is made anew.
MAPPING: dict[str, Any] = {
    "dynamic": False,
    "properties": {
        "id": _WORD,
        "payment_id": _WORD,
        "subscription_id": _WORD,
        "billing_cycle": _WORD,
        "customer_id": _WORD,
        "reference": {"type": "text", "fields": {"whole": _WORD}},
        "amount": {"type": "long"},
        "credited": {"type": "long"},
        "currency": _WORD,
        "state": _WORD,
        "issued_at": {"type": "date"},
    },
}
#: Where words are looked for.
FIELDS = ["reference", "reference.whole", "customer_id", "id", "payment_id", "subscription_id", "billing_cycle"]


class InvoiceDocument(BaseModel):
    """What is put into the index, read from an Invoice, and what is found there; amounts in minor units.

    What is added later has a default: until the next reindex_invoices, documents without it are found too.
    """

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    payment_id: UUID | None
    subscription_id: UUID | None = None
    billing_cycle: str = ""
    customer_id: str
    reference: str
    amount: int
    credited: int = 0
    currency: str
    state: str
    issued_at: datetime
