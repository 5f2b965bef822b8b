"""The auditor: what the windows had to publish, against what the topics hold at the offsets that were acknowledged.

Page by page, each partition from where the page before ended to the page's last offset: a page's rows are there
(holes), nothing else is (extras), first occurrences rise by ce_sequence (order), every byte is the row's (altered).
"""

import re
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from outbox import audit_sql as sql
from outbox.audit_report import Report
from outbox.audited_pages import AuditedPage, check_range, find_row, read_pages, read_parked, read_records
from outbox.conf import OutboxSettings
from outbox.page import Record, to_records
from outbox.partitioner import partition_of
from outbox.table_partitions import TablePartition, read_table_partitions
from outbox.topic_reader import Partition, TopicReader, WireRecord

_PARTS = ("topic", "key", "value", "headers")
_SEQUENCE = re.compile(rb"(\d{6})-(\d{12})-(\d{19})")


@dataclass(slots=True)
class Expected:
    """A row's record, and whether it was met at all, and within the page's offsets."""

    record: Record
    sequence: bytes
    is_met: bool = False
    is_in_range: bool = False


class Audit:
    """One audit of a range of windows of the current generation."""

    def __init__(self, *, reader: TopicReader, settings: OutboxSettings) -> None:
        self._reader = reader
        self._settings = settings
        self._next: dict[Partition, int] = {}  # the offset after the last page's
        self._highest: dict[Partition, bytes] = {}  # ce_sequence of first occurrences
        self._kept = read_table_partitions()

    def run(self, first_window: int | None = None, last_window: int | None = None) -> Report:
        """Compare and return the report. Raises WindowNotFoundError and TopicUnreadableError."""
        first, last = check_range(first_window, last_window)
        self._report = Report(first_window=first, last_window=last)
        with connection.cursor() as cursor:
            cursor.execute(sql.SESSION)
        for page in read_pages(first, last):
            self._compare(page)
        return self._report

    def _compare(self, page: AuditedPage) -> None:
        expected = self._expect(page)
        bounds = {partition: self._reader.read_bounds(partition) for partition in page.spans}
        for found in self._reader.read(self._spans(page, bounds)):
            self._judge(found, expected, is_in_range=found.offset >= page.spans[found.partition][0])
        expired = {partition for partition, (first, _) in page.spans.items() if first < bounds[partition][0]}
        for (_, event_id), each in expected.items():
            if not each.is_in_range:
                self._miss(page, event_id, each.record, expired)

    def _spans(self, page: AuditedPage, bounds: dict[Partition, tuple[int, int]]) -> dict[Partition, tuple[int, int]]:
        """From where the page before ended, as far as the topic has it: what lies between pages is looked at too."""
        spans = {}
        for partition, (first, last) in page.spans.items():
            low, high = bounds[partition]
            spans[partition] = (max(min(self._next.get(partition, first), first), low), min(last, high - 1))
            self._next[partition] = last + 1
        return spans

    def _expect(self, page: AuditedPage) -> dict[tuple[str, str], Expected]:
        parked, found, expected = read_parked(page), 0, {}
        for record in read_records(page, limit=self._settings.page_size):
            found += 1
            if record.position in parked:
                self._report.parked += 1
                continue
            headers = dict(record.headers)
            identity = _text(headers["ce_source"]), _text(headers["ce_id"])
            expected[identity] = Expected(record, _bytes(headers["ce_sequence"]))
        self._report.pruned += max(page.row_count - found, 0)
        self._report.rows += len(expected)
        return expected

    def _judge(self, found: WireRecord, expected: dict[tuple[str, str], Expected], *, is_in_range: bool) -> None:
        known = expected.get(_identity(found))
        if known is None:
            self._judge_stranger(found)
            return
        if known.is_met:
            self._report.duplicates += 1
        elif known.sequence < self._highest.get(found.partition, b""):
            self._report.differ("order", f"{_place(found)}, position {known.record.position}, comes after later ones")
        known.is_met = True
        known.is_in_range |= is_in_range
        self._rise(found.partition, known.sequence)
        self._compare_bytes(found, known.record)

    def _judge_stranger(self, found: WireRecord) -> None:
        """A record of another page: published twice, or early, or by somebody else, or its row is pruned."""
        source, event_id = _identity(found)
        sequence = _SEQUENCE.fullmatch(dict(found.headers).get("ce_sequence") or b"")
        row = find_row(event_id, source) if _is_uuid(event_id) else None
        if row is not None and sequence is not None:
            self._report.duplicates += 1
            self._rise(found.partition, sequence[0])
            [record] = to_records([row], generation=int(sequence[1]), window_id=int(sequence[2]))
            self._compare_bytes(found, record)
        elif sequence is None or row is not None or self._is_kept(int(sequence[3])):
            self._report.differ("extra", f"{_place(found)}, ce_id {event_id!r}, ce_source {source!r}, is no row")

    def _rise(self, partition: Partition, sequence: bytes) -> None:
        self._highest[partition] = max(sequence, self._highest.get(partition, b""))

    def _is_kept(self, position: int) -> bool:
        """Whether the log should have the row; looks again before it says so: pruning may run beside the audit."""
        if _holds(self._kept, position):
            self._kept = read_table_partitions()
        return _holds(self._kept, position)

    def _miss(self, page: AuditedPage, event_id: str, record: Record, expired: set[Partition]) -> None:
        count = self._settings.topics.get(record.topic, 1)
        if (record.topic, partition_of(record.key, count)) in expired:
            self._report.expired += 1
            self._report.rows -= 1
            return
        where = f"window {page.window_id}, page {page.page}"
        self._report.differ("hole", f"position {record.position} ({event_id}) is not on {record.topic} within {where}")

    def _compare_bytes(self, found: WireRecord, record: Record) -> None:
        there = (found.partition[0], found.key, found.value, found.headers)
        wanted = (record.topic, record.key, record.value, record.headers)
        wrong = [name for name, one, other in zip(_PARTS, there, wanted, strict=True) if one != other]
        if wrong:
            text = f"{_place(found)}, position {record.position}, differs in {', '.join(wrong)}"
            self._report.differ("altered", text)


def _holds(tables: list[TablePartition], position: int) -> bool:
    return any((table.low or 0) <= position < table.high for table in tables)


def _identity(found: WireRecord) -> tuple[str, str]:
    headers = dict(found.headers)
    return _text(headers.get("ce_source")), _text(headers.get("ce_id"))


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _bytes(value: str | bytes | None) -> bytes:
    return value.encode() if isinstance(value, str) else value or b""


def _text(value: str | bytes | None) -> str:
    return _bytes(value).decode(errors="backslashreplace")


def _place(found: WireRecord) -> str:
    topic, partition = found.partition
    return f"{topic}[{partition}]@{found.offset}"
