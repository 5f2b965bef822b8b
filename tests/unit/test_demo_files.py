"""The demo's input: the sample is what it is said to be, and a broken file is refused by line number."""

from pathlib import Path

import pytest

from demo.__main__ import SAMPLE
from demo.purchases import COLUMNS, BrokenFileError, Summary, read, summarise

HEADER = ",".join(COLUMNS)
GOOD = "1,00004,1997-01-01,2,29.33"


def write(folder: Path, *lines: str) -> Path:
    file = folder / "purchases.csv"
    file.write_text("\n".join(lines))
    return file


def test_the_sample_is_the_one_of_fader_and_hardie() -> None:
    assert summarise(SAMPLE, limit=None) == Summary(purchases=6919, free=8, cents=24_409_194)
    assert len({purchase.customer for purchase in read(SAMPLE, limit=None)}) == 2357


def test_amounts_are_exact_cents(tmp_path: Path) -> None:
    file = write(tmp_path, HEADER, "1,a,1997-01-01,1,0.1", "2,a,1997-01-01,1,7", "3,a,1997-01-01,1,999999.99")
    assert [purchase.cents for purchase in read(file, limit=None)] == [10, 700, 99_999_999]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("2,00004,1997-01-01,2", "line 3: 4 fields"),
        ("2,00004,1997-01-01,2,-1.00", "line 3: amount_usd is '-1.00'"),
        ("2,00004,1997-01-01,2,1.999", "line 3: amount_usd is '1.999'"),
        ('2,00004,1997-01-01,2,"12,50"', "line 3: amount_usd is '12,50'"),
        ("2,00004,1997-01-01,2,NaN", "line 3: amount_usd is 'NaN'"),
        ("2,00004,01/31/1997,2,1.99", "line 3: date is '01/31/1997'"),
        ("2,,1997-01-01,2,1.99", "line 3: customer is ''"),
        ("two,00004,1997-01-01,2,1.99", "line 3: purchase is 'two'"),
        ("1,00005,1997-01-02,2,1.99", "line 3: purchase 1 is there twice"),
        ('2,"00004,1997-01-01,2,1.99', "line 3: unexpected end of data"),
    ],
)
def test_a_broken_line_is_refused_by_its_number(line: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(BrokenFileError, match=message):
        summarise(write(tmp_path, HEADER, GOOD, line), limit=None)


def test_a_file_that_is_not_utf_8_is_refused_by_line_number(tmp_path: Path) -> None:
    file = tmp_path / "purchases.csv"
    file.write_bytes(f"{HEADER}\n{GOOD}\n2,caf\xe9,1997-01-01,1,1.99\n".encode("latin-1"))
    with pytest.raises(BrokenFileError, match="line 3: not UTF-8"):
        summarise(file, limit=None)


@pytest.mark.parametrize(
    ("lines", "limit", "message"),
    [
        (["a,b,c"], None, "line 1: the columns are"),
        ([], None, "line 1: the columns are"),
        ([HEADER], None, "has 0 purchases"),
        ([HEADER, GOOD], 2, "has 1 purchases, 2 expected"),
    ],
)
def test_a_file_without_what_is_asked_for_is_refused(
    lines: list[str], limit: int | None, message: str, tmp_path: Path
) -> None:
    with pytest.raises(BrokenFileError, match=message):
        summarise(write(tmp_path, *lines), limit=limit)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BrokenFileError, match=r"missing\.csv cannot be read"):
        summarise(tmp_path / "missing.csv", limit=None)
