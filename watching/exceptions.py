"""What the watching raises: MetricsPortError, TopicsUnknownError."""


class MetricsPortError(Exception):
    """METRICS_HOST and METRICS_PORT of OUTBOX or INBOX are not a place to listen on: taken, not allowed, not here."""


class TopicsUnknownError(Exception):
    """The broker did not say what a topic is: no answer, or a refusal."""
