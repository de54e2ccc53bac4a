"""Fields of CSV text as views and GUIDs, against the plain twin."""

from __future__ import annotations

import uuid

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dealtrace_ext.csv_cells import ODD, PACKED, SPARE, TEXT, read_cells
from naive import csv_rows as naive

PIECES = st.sampled_from(["a", "é", ",", '"', '""', "\n", "\r", ',"', '",', "more than twelve", "x" * 61])
TEXTS = st.lists(PIECES, max_size=60).map("".join)
GUID = "6f9619ff-8b86-d011-b42d-00cf4fc964ff"
ZEROS = "00000000-0000-0000-0000-000000000000"
ROW_OF_GUID = (GUID + "\n").encode()


def buffers(data, wanted, fields, kind=TEXT, times=1):
    most = times * (len(data) // fields + 1)
    cells = [np.full((most, 2), 7, np.uint64) for _ in wanted]
    long_texts = [np.empty(times * len(data) + SPARE, np.uint8) for _ in wanted]
    return np.full(len(wanted), kind, np.uint8), cells, long_texts, np.zeros(len(wanted), np.int64)


def columns(text, fields, wanted, quote='"'):
    """Read the same rows twice, as those of two blocks are; None where they are refused."""
    data, code = text.encode(), ord(quote) if quote else -1
    kinds, cells, long_texts, ends = buffers(data, wanted, fields, times=2)
    rows = 0
    for _ in range(2):
        before = rows
        rows = read_cells(data, ord(","), code, fields, wanted, kinds, before, cells, long_texts, ends)
        if rows < 0:
            return None
    assert set(kinds.tolist()) == {TEXT}
    found = [read(*parts, rows) for parts in zip(cells, long_texts, ends, strict=True)]
    assert all(texts[:before] == texts[before:] for texts in found)
    return [texts[:before] for texts in found]


def read(cells, long_texts, end, rows):
    parts = [None, pa.py_buffer(cells[:rows]), pa.py_buffer(long_texts[:end])]
    texts = pa.Array.from_buffers(pa.string_view(), rows, parts)
    texts.validate(full=True)
    return texts.to_pylist()


def guids(text, fields=1):
    data = text.encode()
    kinds, cells, long_texts, ends = buffers(data, [0], fields, PACKED)
    rows = read_cells(data, ord(","), ord('"'), fields, [0], kinds, 0, cells, long_texts, ends)
    numbers = [(int(high) << 64) + int(low) for low, high in cells[0][:rows]]
    return numbers if kinds[0] == PACKED else None


def test_by_example():
    text = 'a,b\r\n"c,""d""\n",\n\n"",x"y"\n"e"f,"g\rh"\n'
    assert columns(text, 2, [0, 1]) == [["a", 'c,"d"\n', "", "ef"], ["b", "", 'x"y"', "g\rh"]]
    assert columns(text, 2, [1]) == [["b", "", 'x"y"', "g\rh"]]
    assert columns('"a,b"\n', 2, [1, 0], quote="") == [['b"'], ['"a']]
    assert columns("", 1, [0]) == [[]]


@pytest.mark.parametrize("text", ["a,b\nc\n", "a,b,c\n", "a,b\nc,d", 'a,"b\n', "a\n\n,\n"])
def test_rows_of_another_width_or_without_an_end(text):
    assert columns(text, 2, [0, 1]) is None


def test_long_fields_cross_the_steps():
    cells = ["x" * n + "," * (n % 3) + '"' * (n % 2) + "yz" * (n % 5) for n in range(200)]
    text = "".join('"' + cell.replace('"', '""') + f'",{i}\n' for i, cell in enumerate(cells))
    assert columns(text, 2, [0, 1]) == [cells, [str(i) for i in range(200)]]


@settings(max_examples=500, deadline=None)
@given(TEXTS, st.integers(1, 3), st.data())
def test_equals_the_twin(text, fields, data):
    wanted = data.draw(st.lists(st.integers(0, fields - 1), min_size=1, max_size=fields, unique=True))
    found, opened = naive.rows(text + "\n", ",", '"')
    table = [row for _, row in found if row]
    whole = opened < 0 and all(len(row) == fields for row in table)
    expected = [[row[place] for row in table] for place in wanted] if whole else None
    assert columns(text + "\n", fields, wanted) == expected


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(TEXTS, min_size=2, max_size=2), max_size=12), st.integers(0, 70))
def test_what_is_quoted_comes_back(rows, before):
    text = "".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\n" for row in rows)
    text = "z" * before + ",\n" + text
    assert columns(text, 2, [0, 1]) == [["z" * before, *[a for a, _ in rows]], ["", *[b for _, b in rows]]]


@given(st.lists(st.tuples(st.one_of(st.sampled_from(["", ZEROS]), st.uuids().map(str)), st.booleans())))
def test_guids(ids):
    ids = [(one, quoted) for one, quoted in ids if one in ("", ZEROS) or one[:8] != ZEROS[:8]]
    text = "".join(f'"{one}",\n' if quoted else f"{one},\n" for one, quoted in ids)
    assert guids(text, 2) == [uuid.UUID(one or ZEROS).int for one, _ in ids]


@pytest.mark.parametrize(
    "odd",
    [GUID.upper(), GUID[:-1], f"{{{GUID}}}", ZEROS[:-1] + "1", f'"{GUID}" ', "x", '""""', f"'{GUID}'"],
)
def test_what_is_no_guid(odd):
    assert guids(f"{GUID}\n{odd}\n{GUID}\n") is None


def test_refusals():
    def refused(
        match, data=b"a\nb\n", fields=1, wanted=(0,), start=0, most=4, width=2, size=4, end=0, more=0
    ):
        cells = [np.zeros((most, width), np.uint64) for _ in wanted]
        rooms = [np.zeros(size + SPARE, np.uint8) for _ in wanted]
        kinds, ends = np.zeros(len(wanted) + more, np.uint8), np.full(len(wanted), end, np.int64)
        with pytest.raises(ValueError, match=match):
            read_cells(data, 44, 34, fields, wanted, kinds, start, cells, rooms, ends)

    refused("wanted fields", wanted=(1,))
    refused("wanted fields", wanted=(-1,))
    refused("wanted fields", wanted=())
    refused("wanted fields", fields=0)
    refused("as many buffers", more=1)
    refused("more than 1 rows", most=1)
    refused("more than 2 rows", most=2, start=1)
    refused("two numbers", width=3)
    refused("two numbers", start=5)
    refused("two numbers", start=-1)
    refused("more room", size=3)
    refused("more room", end=1)
    refused("more room", end=-1)
    assert ODD not in (TEXT, PACKED)
