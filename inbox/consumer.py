"""The consumer: records from Kafka take effect once, in order, whatever is killed and whenever.

assigned  -> the next offsets come from the database
read      -> one transaction: lock offsets, remember ids, handlers, move offsets -> commit
a failure -> the batch again in pieces behind savepoints; an event that keeps failing is parked, its key waits
"""

from collections import Counter
from collections.abc import Callable
from threading import Event

import structlog
from django.db import connection

from inbox import sql
from inbox.applying import Outcome
from inbox.cap import check_cap
from inbox.conf import InboxSettings
from inbox.exceptions import StopTimeoutError, TooManyParkedError
from inbox.receiving import next_offsets, receive
from inbox.record import Record
from inbox.retrying import back_off_seconds, is_retryable
from inbox.source import KafkaSource
from inbox.watching import Watch

logger = structlog.get_logger(__name__)


class Consumer:
    """One consumer process. The unit of scale is the partition: run as many as there are partitions."""

    def __init__(self, *, open_source: Callable[..., KafkaSource], settings: InboxSettings) -> None:
        self.settings = settings
        self.name = settings.consumer
        self.watch = Watch(consumer=settings.consumer, report_seconds=settings.report_seconds)
        self._open_source = open_source
        self._source: KafkaSource | None = None
        self._is_wary = False

    def run(self, stop: Event, *, drain: bool = False) -> None:
        """Consume until stop is set; with drain, until every partition that it gets is at its end.

        Retries with capped, jittered back-off; raises what needs a person.
        """
        self.watch.start()
        try:
            self._run(stop, drain=drain)
        except StopTimeoutError:
            logger.warning("stopped in a batch, which is rolled back", in_hand=self.watch.pulse.in_hand)
        finally:
            self.close()
            self.watch.stop()
        logger.info("consumer stopped", consumer=self.name)

    def _run(self, stop: Event, *, drain: bool) -> None:
        failures = 0
        while not stop.is_set():
            try:
                count = self.run_once()
                failures = 0
                if drain and not count and self._source is not None and self._source.is_drained():
                    return
            except Exception as error:
                self.close()
                self.watch.fail(error)
                if not is_retryable(error) or (drain and isinstance(error, TooManyParkedError)):
                    raise  # a drain ends, and nobody redrives meanwhile
                failures += 1
                logger.warning("consumer starts over", error=str(error), kind=type(error).__name__)
                stop.wait(back_off_seconds(failures))

    def run_once(self) -> int:
        """Receive at most one batch; return how many records."""
        source = self._source or self._open()
        records = source.read(self.settings.batch_size, timeout=0.2)
        if records:
            self.watch.take(records, source.progress())
            self._receive_surely(source, records)
        self.watch.turn(source.progress())
        if self.watch.has_problem and (records or source.answers()):
            self.watch.recover()
        return len(records)

    def _receive_surely(self, source: KafkaSource, records: list[Record]) -> None:
        """Receive the records; when a handler fails, again with its event isolated, and so until none is parked."""
        if not self._is_wary:
            try:
                self._receive(source, records)
                return
            except Exception as error:
                if is_retryable(error):
                    raise
                logger.warning("batch failed, its failing events are isolated", error=str(error))
        outcomes = self._receive(source, records, attempts=self.settings.attempts)
        self._is_wary = outcomes[Outcome.PARKED] > 0

    def _receive(self, source: KafkaSource, records: list[Record], *, attempts: int | None = None) -> Counter[Outcome]:
        outcomes = receive(self.name, records, expected=source.expected, attempts=attempts)
        source.acknowledge(next_offsets(records))
        self.watch.count(outcomes)
        if outcomes[Outcome.PARKED]:
            check_cap(self.settings)
        return outcomes

    def _open(self) -> KafkaSource:
        """Prepare the session: a stopped process must not hold locks for ever. Then begin at the stored offsets."""
        with connection.cursor() as cursor:
            cursor.execute(sql.SESSION, {"budget": str(int(self.settings.transaction_seconds * 1000))})
        self.watch.open()
        check_cap(self.settings)
        self._source = self._open_source(hear=self.watch.hear)
        return self._source

    def close(self) -> None:
        """Drop all that was remembered: the database tells where to go on, also after a COMMIT without an answer."""
        if self._source is not None:
            self._source.close()
        self._source = None
        connection.close()
