"""GUIDs as numbers and back, of columns in several pieces, sliced and with nulls."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_engine.sources.crm import packed as module
from dealtrace_engine.sources.crm.packed import (
    alike,
    numbers,
    packed,
    unpacked,
    unpacked_frame,
)

GUID = st.uuids().map(str).filter(lambda text: not text.startswith("00000000"))
GUIDS = st.lists(st.one_of(st.none(), GUID), max_size=40)


@given(GUIDS, GUIDS, st.integers(0, 20), st.integers(1, 7))
def test_packed_and_back_is_the_same(first, then, begin, at_a_time):
    texts = pl.concat([pl.Series("id", part, pl.String) for part in (first, then)], rechunk=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "AT_A_TIME", at_a_time)
        held = packed(texts)
        assert held.dtype == pl.UInt128
        assert held.name == "id"
        assert unpacked(held).to_list() == texts.to_list()
        assert unpacked(held.slice(begin)).to_list() == texts.slice(begin).to_list()
        assert unpacked(held.sort()).to_list() == texts.sort().to_list()
    assert unpacked(held.slice(begin, 9)).to_list() == texts.slice(begin, 9).to_list()


@pytest.mark.parametrize("other", [
    "0064600000J5S5TAAV", "6F9619FF-8B86-D011-B42D-00CF4FC964FF", "", "00000000-0000-0000-0000-000000000001",
])  # fmt: skip
def test_other_ids_stay_as_they_are(other):
    texts = pl.Series(["6f9619ff-8b86-d011-b42d-00cf4fc964ff", other])
    assert packed(texts) is texts
    assert unpacked(texts) is texts


def test_only_what_is_asked_for_is_unpacked():
    ids = [f"{row:08x}-0000-0000-0000-000000000001" for row in range(1, 101)]
    frame = pl.DataFrame({"id": ids, "n": range(100)})
    held = frame.with_columns(packed(frame["id"]))
    assert unpacked_frame(held).collect().equals(frame)
    assert unpacked_frame(held).filter(pl.col("id") == ids[7]).select("n").collect().rows() == [(7,)]


def test_frames_are_packed_alike():
    guid, other = pl.DataFrame({"id": ["6f9619ff-8b86-d011-b42d-00cf4fc964ff"]}), pl.DataFrame({"id": ["x"]})
    both = [frame.with_columns(packed(frame["id"])) for frame in (guid, other)]
    assert pl.concat(alike(both, ["id"])).equals(pl.concat([guid, other]))
    assert alike(both[:1], ["id"])[0].schema["id"] == pl.UInt128


@given(st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)), max_size=20))
def test_numbers_of_halves(pairs):
    high, low = (np.array([pair[side] for pair in pairs], np.uint64) for side in (0, 1))
    expected = [first << 64 | last or None for first, last in pairs]
    cut = len(pairs) // 3
    found = numbers("id", [(high[:cut], low[:cut]), (high[cut:], low[cut:])])
    if any(first < 2**32 and first | last for first, last in pairs):
        assert found is None
    else:
        assert found.dtype == pl.UInt128
        assert found.to_list() == expected
