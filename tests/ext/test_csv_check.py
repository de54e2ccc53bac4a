import random

import pytest

from dealtrace_ext.csv_check import RowCheck
from naive.csv_check import check_rows


def checked(text: bytes, fields: int, step: int | None = None, quote: str = '"') -> RowCheck:
    check = RowCheck(ord(","), ord(quote) if quote else -1, fields)
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
