"""Row ends in CSV text, against the plain twin."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dealtrace_ext.csv_rows import count_rows, row_end, whole_rows
from naive import csv_rows as naive


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (0, -1)),
        ("a,b", (0, -1)),
        ("a,b\n", (4, -1)),
        ("a,b\nc", (4, -1)),
        ('a,"b\nc', (0, 2)),
        ('a\n"b\nc', (2, 2)),
        ('a,"b\nc"\nd', (8, -1)),
        ('5" pipe\nx', (8, -1)),
        ('"a""\nb"\n', (8, -1)),
        ('"a"\r\nb', (5, -1)),
        ('a\n"b","c\n"', (2, -1)),
    ],
)
def test_whole_rows(text, expected):
    assert whole_rows(text.encode(), ord(","), ord('"'), 10)[:4] == (*expected, -1, True)
    assert naive.whole_rows(text, ",", '"', "\n")[:4] == (*expected, -1, True)


def test_without_quotes():
    assert whole_rows(b'a,"b\nc', ord(","), -1, 10) == (5, -1, -1, True, 1)
    assert count_rows(b'a,"b\nc\n', ord(","), -1) == (2, 7)


def test_carriage_returns():
    assert whole_rows(b"a\rb\rc", ord(","), ord('"'), 13) == (4, -1, -1, True, 2)
    assert count_rows(b"a\r\n\r\rb\n\nc", ord(","), ord('"')) == (2, 7)


def test_the_first_rows():
    assert count_rows(b'\n"a\n"\nb\nc\n', ord(","), ord('"'), 1) == (1, 6)
    assert count_rows(b"\n\n", ord(","), ord('"'), 1) == (0, 0)


@settings(max_examples=500, deadline=None)
@given(st.text('a,"\n\r', max_size=40), st.sampled_from("\n\r"))
def test_equals_the_twin(text, line_end):
    assert count_rows(text.encode(), ord(","), ord('"')) == naive.count_rows(text, ",", '"')
    assert count_rows(text.encode(), ord(","), ord('"'), 2) == naive.count_rows(text, ",", '"', 2)
    if "\r\n" not in text:  # both together end rows in a line feed
        assert whole_rows(text.encode(), ord(","), ord('"'), ord(line_end)) == naive.whole_rows(
            text, ",", '"', line_end
        )
    elif line_end == "\n":
        assert whole_rows(text.encode(), ord(","), ord('"'), 10) == naive.whole_rows(text, ",", '"', "\n")


PIECES = st.sampled_from(['"', '""', ",", "\n", "\r", "ab", "x" * 31, "y" * 63])
FIELDS = st.text('a",\n\0\x7f', max_size=60).map(lambda text: '"' + text.replace('"', '""') + '"')


@settings(max_examples=500, deadline=None)
@given(
    st.lists(st.sampled_from(['"', '""', ",", "\n", "\r", "ab", "x" * 31, "y" * 63]) | FIELDS, max_size=30)
)
def test_quotes_at_the_edges_of_64_bytes(pieces):
    text = "".join(pieces)
    if "\r\n" not in text:
        assert whole_rows(text.encode(), ord(","), ord('"'), 13) == naive.whole_rows(text, ",", '"', "\r")
    assert whole_rows(text.encode(), ord(","), ord('"'), 10) == naive.whole_rows(text, ",", '"', "\n")


@pytest.mark.parametrize("at", [0, 5, 63, 64, 70, 127])
def test_nul_and_bytes_beyond_ascii(at):
    plain = b"x" * 128
    for length in (at + 1, 128):
        text = bytearray(plain[:length])
        text[at] = 0
        assert whole_rows(bytes(text), ord(","), ord('"'), 10)[2:4] == (at, True)
        text[at] = 0x80
        assert whole_rows(bytes(text), ord(","), -1, 10)[2:4] == (-1, False)


@settings(max_examples=500, deadline=None)
@given(st.text('a,"\n\r', max_size=40), st.integers(0, 45))
def test_row_end_equals_the_twin(text, stop):
    assert row_end(text.encode(), stop, ord(","), ord('"')) == naive.row_end(text, stop, ",", '"')
    if '"' not in text:
        assert row_end(text.encode(), stop, ord(","), -1) == naive.row_end(text, stop, ",", '"')
