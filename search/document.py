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
        "customer_id": _WORD,
        "reference": {"type": "text", "fields": {"whole": _WORD}},
        "amount": {"type": "long"},
        "currency": _WORD,
        "state": _WORD,
        "issued_at": {"type": "date"},
    },
}
#: Where words are looked for.
FIELDS = ["reference", "reference.whole", "customer_id", "id", "payment_id"]


class InvoiceDocument(BaseModel):
    """What is put into the index, read from an Invoice, and what is found there; amount in minor units."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    payment_id: UUID | None
    customer_id: str
    reference: str
    amount: int
    currency: str
    state: str
    issued_at: datetime
