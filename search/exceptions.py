"""What search raises; `status` is the HTTP status of the problem details (RFC 9457).

SearchError
├── InTransactionError       500  the network was asked for inside a transaction
├── NodeUnavailableError     503  no answer, or an error of OpenSearch's own; what was sent is sent again
├── IndexMissingError        503  nothing has the alias: reindex_invoices has not run yet
├── DocumentRefusedError     500  an invoice cannot be indexed, and the new index would lack it
├── IndexIncompleteError     500  the new index has fewer documents than were put there
└── ReindexRunningError      409  another reindex_invoices runs
"""


class SearchError(Exception):
    """Base of all errors of search. The message names the value and the next step; clients may see it.

    `is_retryable`: no person is needed.
    """

    status = 500
    title = "Search error"
    is_retryable = False


class InTransactionError(SearchError):
    """A transaction is open: whoever waits for the network would hold its locks meanwhile."""


class NodeUnavailableError(SearchError):
    """OpenSearch did not answer, or says that it cannot."""

    status = 503
    title = "Search is not available"
    is_retryable = True


class IndexMissingError(SearchError):
    """The alias leads to no index: it was never made, or OpenSearch has lost its data."""

    status = 503
    title = "There is no index"


class DocumentRefusedError(SearchError):
    """OpenSearch does not take a document."""


class IndexIncompleteError(SearchError):
    """The count of the new index is below what was put there: the old one stays."""


class ReindexRunningError(SearchError):
    """One at a time: a second would remove the index that the first fills."""

    status = 409
