"""The one door to the outbox's settings: the dict OUTBOX, read into one typed object."""

from functools import lru_cache
from typing import Any, Literal

from django.conf import settings
from django.core.signals import setting_changed
from pydantic import BaseModel, ConfigDict, Field

from outbox.envelope import MAX_IDENTITY_BYTES


class OutboxSettings(BaseModel):
    """OUTBOX in the Django settings; keys in capitals. An unknown key is an error (check outbox.E001)."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=str.upper)

    source: str = Field(
        min_length=1, max_length=MAX_IDENTITY_BYTES, description="CloudEvents source; unique to one outbox database"
    )
    bootstrap_servers: str = Field(min_length=1, description="Kafka brokers, host:port, comma-separated")
    topics: dict[str, int] = Field(description="topics this service may publish to, with their partition count")
    mode: Literal["idempotent", "transactional"] = Field(
        default="idempotent", description="what readers get: duplicates with the same id after a crash, or none"
    )
    replication_factor: int = Field(default=1, ge=1, description="for topics made by make_topics")
    max_data_bytes: int = Field(default=900_000, ge=1, description="below the broker's message.max.bytes of 1 MiB")
    page_size: int = Field(default=7_000, ge=1, description="most rows of a page; 1,000 more cost 6 MB of memory")
    page_bytes: int = Field(default=8_000_000, ge=1, description="about the most bytes of a page; two are in memory")
    lease_seconds: float = Field(default=3.0, gt=0, description="a dead leader is replaced after this long")
    stop_seconds: float = Field(default=10.0, gt=0, description="a page in hand may take so long after SIGTERM")
    table_partition_rows: int = Field(default=10_000_000, ge=1, description="positions a table partition of the log")
    table_partitions_ahead: int = Field(default=2, ge=1, description="empty table partitions that wait for writers")
    retention_days: float = Field(default=30, ge=0, description="published rows are kept at least this long")
    inbox_retention_days: float = Field(
        default=30,
        ge=0,
        description="shortest RETENTION_DAYS of any inbox that reads us: a redrive of older rows looks at their topic",
    )
    maintenance_lock_seconds: float = Field(
        default=0.2, gt=0, description="writers queue behind upkeep at most so long"
    )
    poll_seconds_busy: float = Field(default=0.002, gt=0, description="pause after a page with rows")
    poll_seconds_idle: float = Field(default=0.05, gt=0, description="longest pause when there is nothing to do")
    metrics_port: int = Field(default=0, ge=0, le=65_535, description="port of the relay's metrics; 0 is off")
    metrics_host: str = Field(default="127.0.0.1", description="address that the metrics listen on")
    report_seconds: float = Field(default=60.0, gt=0, description="a line about the relay in the log, this often")
    dead_seconds: float = Field(
        default=30.0, gt=0, description="no beat for this long: dead; one that seeks its broker is silent for up to 20"
    )
    stuck_seconds: float = Field(default=15.0, gt=0, description="rows wait and no page is published for this long")
    behind_seconds: float = Field(default=60.0, gt=0, description="more lag than this is red")


@lru_cache(maxsize=1)
def outbox_settings() -> OutboxSettings:
    """Return the validated settings. Raises pydantic.ValidationError, which names the key."""
    return OutboxSettings.model_validate(settings.OUTBOX)


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "OUTBOX":
        outbox_settings.cache_clear()


setting_changed.connect(_forget)
