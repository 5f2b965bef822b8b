"""Celery's broker of files for the local stack (kombu's filesystem transport), repaired: a message is read whole.

kombu 5.7 writes it under the name that workers look for, and one that reads it before it is written dies of the JSON:
every few hundred messages under load. https://github.com/celery/kombu/issues/1551
"""

from pathlib import Path
from time import monotonic_ns
from typing import Any
from uuid import uuid4

from kombu.transport import filesystem
from kombu.utils.json import dumps


class Channel(filesystem.Channel):
    """Messages get their name when they are written."""

    def _put(self, queue: str, payload: dict[str, Any], **kwargs: Any) -> None:  # type: ignore[override]
        file = Path(self.data_folder_out) / f"{monotonic_ns() // 1_000_000}_{uuid4()}.{queue}.msg"
        draft = file.with_suffix(".draft")
        draft.write_text(dumps(payload))
        draft.rename(file)


class Transport(filesystem.Transport):
    """For BROKER_TRANSPORT; the URL stays filesystem://."""

    Channel = Channel
