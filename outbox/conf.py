"""The one door to the outbox's settings: the dict OUTBOX, read into one typed object."""

from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from pydantic import BaseModel, ConfigDict, Field


class OutboxSettings(BaseModel):
    """OUTBOX in the Django settings; keys in capitals. An unknown key is an error (check outbox.E001)."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=str.upper)

    source: str = Field(min_length=1, description="CloudEvents source; unique to one outbox database")
    bootstrap_servers: str = Field(min_length=1, description="Kafka brokers, host:port, comma-separated")
    topics: dict[str, int] = Field(description="topics this service may publish to, with their partition count")
    replication_factor: int = Field(default=1, ge=1, description="for topics made by make_topics")
    max_data_bytes: int = Field(default=900_000, ge=1, description="below the broker's message.max.bytes of 1 MiB")
    page_size: int = Field(default=7_000, ge=1, description="most rows of a page; 1,000 more cost 6 MB of memory")
    page_bytes: int = Field(default=8_000_000, ge=1, description="about the most bytes of a page; two are in memory")
    lease_seconds: float = Field(default=3.0, gt=0, description="a dead leader is replaced after this long")
    poll_seconds_busy: float = Field(default=0.002, gt=0, description="pause after a page with rows")
    poll_seconds_idle: float = Field(default=0.05, gt=0, description="longest pause when there is nothing to do")


@lru_cache(maxsize=1)
def outbox_settings() -> OutboxSettings:
    """Return the validated settings. Raises pydantic.ValidationError, which names the key."""
    return OutboxSettings.model_validate(settings.OUTBOX)


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "OUTBOX":
        outbox_settings.cache_clear()


setting_changed.connect(_forget)
