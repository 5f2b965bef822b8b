"""What the watching raises: MetricsPortError alone."""


class MetricsPortError(Exception):
    """METRICS_HOST and METRICS_PORT of OUTBOX or INBOX are not a place to listen on: taken, not allowed, not here."""
