"""The bookmark: "<source>#<event id>", which is unique as CloudEvents demands it of the two together."""

from typing import NamedTuple, Self
from uuid import UUID

from bookmarks.exceptions import BookmarkInvalidError
from inbox.conf import inbox_settings
from outbox.conf import outbox_settings

#: Of the answer to a write, and of a read.
HEADER = "Bookmark"


class Bookmark(NamedTuple):
    """Names an event before it is recorded; str() is what goes over the wire."""

    source: str
    event_id: UUID

    def __str__(self) -> str:
        return f"{self.source}#{self.event_id}"

    @classmethod
    def of(cls, event_id: UUID) -> Self:
        """Return the bookmark of an event of this service."""
        return cls(outbox_settings().source, event_id)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the bookmark of a service that this one reads. Raises BookmarkInvalidError."""
        source, _, event_id = text.rpartition("#")
        known = inbox_settings().outboxes
        if source not in known:
            raise BookmarkInvalidError(f"{text[:100]!r} is of no service that is read here: {', '.join(known)}")
        try:
            found = cls(source, UUID(event_id))
        except ValueError:
            raise BookmarkInvalidError(f"{text[:100]!r} does not end with an id: send what a write answered") from None
        if found.event_id.version != 7 or str(found) != text:
            raise BookmarkInvalidError(f"{text[:100]!r} was never given out: send what a write answered")
        return found
