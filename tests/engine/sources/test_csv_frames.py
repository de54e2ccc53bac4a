"""Blocks of CSV text to frames of texts and packed ids."""

from __future__ import annotations

import csv
import io

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_engine import buffers
from dealtrace_engine.sources.crm.packed import unpacked
from dealtrace_engine.sources.csv_blocks import Block
from dealtrace_engine.sources.csv_dialect import Dialect
from dealtrace_engine.sources.csv_frames import framed

NAMES = ("id", "text")
DIALECT = Dialect(",", '"', "utf-8", "\n", NAMES, 0)
ZEROS = "00000000-0000-0000-0000-000000000000"
GUID = st.one_of(st.just(""), st.uuids().map(str).filter(lambda text: text[:8] != ZEROS[:8]))
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=20)


def blocks(*rows_of_blocks):
    for rows in rows_of_blocks:
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(rows)
        yield Block(memoryview(out.getvalue().encode()), 0)


def block(data):
    return Block(memoryview(data), 0)


@pytest.mark.parametrize("again", [False, True])
@given(rows=st.lists(st.lists(st.tuples(GUID, TEXT), min_size=1, max_size=9), min_size=1, max_size=4))
def test_rows_of_several_blocks(again, rows):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(buffers, "_recycled", [])
        if again:
            buffers.recycle()
        check_rows(rows)


def check_rows(rows):
    found = framed(list(blocks(*rows)), DIALECT, ["text", "id"], ["id"])
    assert found is not None
    assert found.schema == {"text": pl.String(), "id": pl.UInt128()}
    expected = [(text, guid or None) for of_block in rows for guid, text in of_block]
    assert list(zip(found["text"], unpacked(found["id"]), strict=True)) == expected


def test_a_column_is_packed_only_if_all_of_it_can_be():
    found = framed([block(b"%s,a\n" % ZEROS.encode()), block(b"x,b\n")], DIALECT, NAMES, ["id"])
    assert found is not None
    assert found.rows() == [(ZEROS, "a"), ("x", "b")]
    first = f"{ZEROS[:-1]}1"
    low = framed([block(b"%s,a\n" % first.encode())], DIALECT, NAMES, ["id"])
    assert low is not None
    assert low.rows() == [(first, "a")]  # numbers as low as this are left for other ids
    zeros = framed([block(b"%s,a\n" % ZEROS.encode())], DIALECT, ["id"], ["id"])
    assert zeros is not None
    assert zeros.rows() == [(None,)]


@pytest.mark.parametrize("data", [b"a\n", b"a,b,c\n", b"a,\xe9\n"])
def test_other_rows_and_other_charsets_are_left_to_others(data):
    assert framed([block(b"a,b\n"), block(data)], DIALECT, NAMES) is None
