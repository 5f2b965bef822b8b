"""Declared event types. An event is a fact, named in the past tense, that this service announces.

    class PaymentCaptured(outbox.Event, type="payments.payment.captured.v1", key="payment_id"):
        payment_id: UUID
        amount: int

The type is `<service>.<aggregate>.<happened>.v<N>`; the topic is its first two parts; `key` names the field
that identifies the aggregate and fixes the order (the Kafka record key).
"""

import re
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

EVENT_TYPES: dict[str, "type[Event]"] = {}
_TYPE = re.compile(r"[a-z_]+\.[a-z_]+\.[a-z_]+\.v[1-9]\d*")


class Event(BaseModel):
    """Base of all published events: strict, frozen, no unknown fields, no NaN."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    event_type: ClassVar[str]
    topic: ClassVar[str]
    aggregate_type: ClassVar[str]
    key: ClassVar[str]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """The keywords are read below, once pydantic knows the fields."""

    @classmethod
    def __pydantic_init_subclass__(cls, *, type: str = "", key: str = "", **kwargs: Any) -> None:  # noqa: A002
        """Register the subclass. Raises ValueError for a malformed or taken type, or a key that is no field."""
        if not _TYPE.fullmatch(type):
            raise ValueError(f"{type!r} is not <service>.<aggregate>.<happened>.v<N>")
        if key not in cls.model_fields:
            raise ValueError(f"{type}: key {key!r} is not one of its fields {sorted(cls.model_fields)}")
        if type in EVENT_TYPES:
            raise ValueError(f"{type} is declared twice: {EVENT_TYPES[type].__qualname__} and {cls.__qualname__}")
        service, aggregate, _, _ = type.split(".")
        cls.event_type, cls.topic, cls.aggregate_type, cls.key = type, f"{service}.{aggregate}", aggregate, key
        EVENT_TYPES[type] = cls

    @property
    def aggregate_id(self) -> str:
        """The aggregate's id as text: the value of the field that `key` names."""
        return str(getattr(self, self.key))
