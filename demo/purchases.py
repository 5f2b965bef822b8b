"""The purchases of a CSV file, read line by line: memory does not grow with the file."""

import csv
import re
from collections.abc import Iterator
from datetime import date
from itertools import islice
from pathlib import Path
from typing import NamedTuple

COLUMNS = ["purchase", "customer", "date", "quantity", "amount_usd"]
_AMOUNT = re.compile(r"(\d{1,6})(?:\.(\d{1,2}))?")
_CUSTOMER = re.compile(r"[^\x00-\x1f\x7f]{1,100}")


class Purchase(NamedTuple):
    """One line; `number` tells purchases apart that are alike in everything else."""

    number: int
    customer: str
    cents: int


class Summary(NamedTuple):
    """What a file holds, to compare the outcome with."""

    purchases: int
    free: int
    cents: int


class BrokenFileError(ValueError):
    """The file cannot be replayed; the message names the line, the value and what is expected."""


def summarise(file: Path, *, limit: int | None) -> Summary:
    """Read the whole file (or its first `limit` purchases) and return its sums. Raises BrokenFileError."""
    count = free = cents = 0
    numbers: set[int] = set()
    for line, purchase in enumerate(read(file, limit=limit), start=2):
        if purchase.number in numbers:
            raise BrokenFileError(
                f"{file}, line {line}: purchase {purchase.number} is there twice: numbers must differ"
            )
        numbers.add(purchase.number)
        count, free, cents = count + 1, free + (purchase.cents == 0), cents + purchase.cents
    if count == 0 or (limit is not None and count < limit):
        raise BrokenFileError(f"{file} has {count} purchases, {limit or 'at least one'} expected: choose fewer")
    return Summary(count, free, cents)


def read(file: Path, *, limit: int | None) -> Iterator[Purchase]:
    """Yield the purchases in the file's order. Raises BrokenFileError."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            rows = csv.reader(lines, strict=True)
            if (header := next(rows, [])) != COLUMNS:
                raise BrokenFileError(f"{file}, line 1: the columns are {header}, expected are {COLUMNS}")
            yield from (_parse(row, f"{file}, line {rows.line_num}") for row in islice(rows, limit))
    except UnicodeDecodeError as error:
        raise BrokenFileError(f"{file}, {_line_of(file, error)}: not UTF-8 ({error.reason})") from error
    except csv.Error as error:
        raise BrokenFileError(f"{file}, line {rows.line_num}: {error}") from error
    except OSError as error:
        raise BrokenFileError(f"{file} cannot be read: {error.strerror}") from error


def _parse(row: list[str], place: str) -> Purchase:
    if len(row) != len(COLUMNS):
        raise BrokenFileError(f"{place}: {len(row)} fields, expected are {len(COLUMNS)}: {', '.join(COLUMNS)}")
    number, customer, day, quantity, amount = row
    for name, value in (("purchase", number), ("quantity", quantity)):
        if not re.fullmatch(r"[0-9]{1,15}", value) or int(value) == 0:
            raise BrokenFileError(f"{place}: {name} is {value!r}, expected is a whole number above zero")
    if not _CUSTOMER.fullmatch(customer):
        raise BrokenFileError(f"{place}: customer is {customer!r}, expected are 1 to 100 printable characters")
    if (found := _AMOUNT.fullmatch(amount)) is None:
        raise BrokenFileError(f"{place}: amount_usd is {amount!r}, expected is 0.00 to 999999.99, like 19.99")
    try:
        date.fromisoformat(day)
    except ValueError:
        raise BrokenFileError(f"{place}: date is {day!r}, expected is a day like 1997-01-31") from None
    return Purchase(int(number), customer, int(found[1]) * 100 + int((found[2] or "0").ljust(2, "0")))


def _line_of(file: Path, error: UnicodeDecodeError) -> str:
    """Find the first line that cannot be decoded: the decoder only knows its own buffer."""
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return f"line {number}"
    return f"byte {error.start}"
