import csv
import io
import random

import pytest

from dealtrace_ext.csv_check import RowCheck
from naive.csv_check import check_rows


def checked(
    text: bytes, fields: int, step: int | None = None, quote: str = '"', followed: tuple[int, ...] = ()
) -> RowCheck:
    check = RowCheck(ord(","), ord(quote) if quote else -1, fields, followed)
    for begin in range(0, len(text), step or max(len(text), 1)):
        check.feed(text[begin : begin + (step or len(text))])
    check.finish()
    return check


def told(check: RowCheck) -> dict[str, object]:
    return {name: getattr(check, name) for name in ("rows", "odd", "stray", "lone", "empty", "open")}


def test_counts_rows_and_says_which_is_odd():
    check = checked(b'a,b,c\n1,2,3\n4,5\n6,7,8,9\n"x\ny",1,"2""z"', 3)
    assert (check.rows, check.odd, check.first_odd, check.first_width) == (5, 2, 2, 2)


@pytest.mark.parametrize(
    ("text", "what", "count"),
    [
        (b"a,b\r1,2\r", "lone", 2),
        (b"a,b\r\n1,2\r\n", "lone", 0),
        (b"a,b\n\n1,2\n", "empty", 1),
        (b'a,b\n5",x\n', "stray", 1),
        (b'a,b\n"q"x,1\n', "stray", 1),
        (b'a,b\n"say ""no""",1\n', "stray", 0),
    ],
)
def test_what_readers_understand_differently_is_counted(text, what, count):
    assert getattr(checked(text, 2), what) == count


def test_a_quote_that_is_never_closed_is_open():
    assert checked(b'a,b\n"1,2\n3,4\n', 2).open


def test_without_quotes_a_quote_is_a_character():
    check = checked(b'a,b\n5",x\n', 2, quote="")
    assert (check.rows, check.odd, check.stray) == (2, 0, 0)


@pytest.mark.parametrize("seed", range(30))
def test_the_same_as_one_character_at_a_time_wherever_it_is_cut(seed):
    dice = random.Random(seed)
    fields = [dice.choice(["", "x", "long " * 20, '"q"', '"a,b"', '"l\nm"', '"d""d"']) for _ in range(300)]
    ends = ["\n", "\r\n", "\n\n", ",", ",", ",", ","] + (["\r"] if seed % 3 == 0 else [])
    text = "".join(field + dice.choice(ends) for field in fields)
    expected = check_rows(text, ",", '"', 4)
    assert told(checked(text.encode(), 4)) == expected
    for step in (1, 7, 63, 64, 65):
        assert told(checked(text.encode(), 4, step)) == expected


FORMS = ("{}-{}-{} {}:{}:{}", "{}-{}-{}T{}:{}:{}.000Z", "{}-{}-{}T{}:{}:{}.123+0000")


@pytest.mark.parametrize("seed", range(12))
def test_the_latest_time_of_columns_wherever_the_text_is_cut(seed):
    dice = random.Random(seed)
    form, rows = dice.choice(FORMS), []
    for _ in range(dice.choice([1, 60])):
        parts = [f"{dice.randrange(2019, 2026)}", *(f"{dice.randrange(60):02}" for _ in range(5))]
        time, other = form.format(*parts), form.format(parts[0], *reversed(parts[1:]))
        rows.append([dice.choice([time, ""]), "long, \n " * dice.randrange(9), other])
    text = io.StringIO()
    quoting = dice.choice([csv.QUOTE_ALL, csv.QUOTE_MINIMAL])
    csv.writer(text, quoting=quoting, lineterminator=dice.choice(["\n", "\r\n"])).writerows(
        [["9999-99-99 99:99:99", "b", "c"], *rows]
    )
    written = text.getvalue().encode()
    if seed % 2:
        written = written.rstrip()
    firsts = [row[0] for row in rows if row[0]]
    for step in (None, 1, 7, 30, 64, 65):
        check = checked(written, 3, step, followed=(2, 0))
        assert check.latest(0) == max(row[2] for row in rows).encode()
        assert check.latest(1) == (max(firsts).encode() if firsts else None)


@pytest.mark.parametrize(
    "odd",
    [
        "2024-01-01 10:00:00Z", "2024-01-01T10:00:00", "soon", "2024-01-0x 10:00:00", "1/1/2024 10:00:00 AM",
        "9" * 100,
    ],
)  # fmt: skip
def test_times_of_different_forms_have_no_latest(odd):
    usual = ["2024-01-01 10:00:00", "2023-01-01 10:00:00"]
    for values in ([*usual, odd], [odd, *usual]):
        text = "at\n" + "".join(f"{value}\n" for value in values)
        for step in (None, 1, 33):
            assert checked(text.encode(), 1, step, followed=(0,)).latest(0) is None


def test_offsets_that_differ_have_no_latest():
    text = b"at\n2024-01-01T10:00:00.5+0100\n2024-01-01T10:00:00.7+0200\n"
    assert checked(text, 1, followed=(0,)).latest(0) is None
    assert checked(text.replace(b"+02", b"+01"), 1, followed=(0,)).latest(0) == b"2024-01-01T10:00:00.7+0100"


def test_columns_without_times_have_no_latest():
    check = checked(b'a,b\n,""\n"",\n', 2, followed=(0, 1))
    assert (check.latest(0), check.latest(1)) == (None, None)
    with pytest.raises(ValueError, match="at most 16"):
        RowCheck(ord(","), ord('"'), 20, range(17))
