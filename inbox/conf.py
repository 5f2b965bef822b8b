"""The one door to the inbox's settings: the dict INBOX, read into one typed object."""

from functools import lru_cache
from typing import Any, Literal

from django.conf import settings
from django.core.signals import setting_changed
from pydantic import BaseModel, ConfigDict, Field


class InboxSettings(BaseModel):
    """INBOX in the Django settings; keys in capitals. An unknown key is an error (check inbox.E001)."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=str.upper)

    consumer: str = Field(
        min_length=1,
        max_length=249,  # with the longest legal identity it fits into one index row
        pattern=r"^[A-Za-z0-9_]+$",
        description="consumer name: the Kafka group and the app whose handlers run",
    )
    bootstrap_servers: str = Field(min_length=1, description="Kafka brokers, host:port, comma-separated")
    topics: list[str] = Field(min_length=1, description="topics to consume")
    batch_size: int = Field(
        default=2_000,
        ge=1,
        description="most events in one transaction, which takes what is there and never waits for more",
    )
    attempts: int = Field(default=3, ge=1, description="tries of one event before it is parked")
    parked_share: float = Field(
        default=0.2, gt=0, le=1, description="the consumer stops when more of its last events are parked; 1: never"
    )
    parked_window: int = Field(default=1_000, ge=1, description="of how many last events parked_share is the share")
    retention_days: float = Field(default=30, ge=0, description="ids, data and headers are kept at least this long")
    outboxes: dict[str, list[str]] = Field(
        default_factory=dict,
        description="ce_source of each outbox of this template: the topics that it publishes to itself; only there does"
        " ce_sequence tell what was received before its id was pruned",
    )
    group_protocol: Literal["consumer", "classic", "eager"] = Field(
        default="consumer", description="KIP-848; the older one, step by step (KIP-429); or with members that are eager"
    )
    stop_seconds: float = Field(
        default=5.0, gt=0, description="a batch in hand may take so long after SIGTERM, then it is rolled back"
    )
    metrics_port: int = Field(default=0, ge=0, le=65_535, description="port of the consumer's metrics; 0 is off")
    metrics_host: str = Field(default="127.0.0.1", description="address that the metrics listen on")
    report_seconds: float = Field(default=60.0, gt=0, description="a line about the consumer in the log, this often")
    dead_seconds: float = Field(default=15.0, gt=0, description="no beat for this long: dead")
    stuck_seconds: float = Field(default=30.0, gt=0, description="one batch takes longer than this: stuck")
    behind_seconds: float = Field(default=60.0, gt=0, description="more lag than this is red")
    transaction_seconds: float = Field(
        default=30.0, gt=0, description="a stopped consumer's transaction ends after this"
    )


@lru_cache(maxsize=1)
def inbox_settings() -> InboxSettings:
    """Return the validated settings. Raises pydantic.ValidationError, which names the key."""
    return InboxSettings.model_validate(settings.INBOX)


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "INBOX":
        inbox_settings.cache_clear()


setting_changed.connect(_forget)
