"""What a read with a bookmark can be refused for; `status` is the HTTP status of the problem details (RFC 9457).

BookmarkError
├── BookmarkInvalidError   400  not a bookmark, or one of a service whose events are not read here
├── NotAppliedYetError     425  with Retry-After: what it names has not arrived
└── WriteParkedError       409  it has arrived, and waits for a person
"""


class BookmarkError(Exception):
    """Base of the errors about bookmarks. The message names the value and the next step; clients may see it."""

    status = 400
    title = "Bookmark refused"


class BookmarkInvalidError(BookmarkError):
    """Malformed, or of another source: nothing could ever be waited for."""

    title = "The bookmark is not valid here"


class NotAppliedYetError(BookmarkError):
    """Too early, in the plain sense of the words; RFC 8470, which registered 425, means TLS early data by them."""

    status = 425
    title = "The write is not applied here yet"
    retry_after = 1


class WriteParkedError(BookmarkError):
    """Waiting would not help."""

    status = 409
    title = "The write is parked here"
