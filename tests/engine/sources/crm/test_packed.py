"""GUIDs as numbers and back, of columns in several pieces, sliced and with nulls."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_engine.sources.crm import packed as module
from dealtrace_engine.sources.crm.packed import (
    alike,
    packed,
    packed_columns,
    packed_where,
    unpacked,
    unpacked_frame,
)

GUIDS = st.lists(st.one_of(st.none(), st.uuids().map(str)), max_size=40)


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
        patch.setattr(module, "MOST_VIEWS", at_a_time)
        assert module.id_texts(held).to_pylist() == texts.to_list()
    assert unpacked(held.slice(begin, 9)).to_list() == texts.slice(begin, 9).to_list()


@pytest.mark.parametrize("other", ["0064600000J5S5TAAV", "6F9619FF-8B86-D011-B42D-00CF4FC964FF", ""])
def test_other_ids_stay_as_they_are(other):
    texts = pl.Series(["6f9619ff-8b86-d011-b42d-00cf4fc964ff", other])
    assert packed(texts) is texts
    assert unpacked(texts) is texts


def test_only_columns_of_different_guids_are_packed():
    ids = [f"{row:08x}-0000-0000-0000-000000000001" for row in range(100)]
    frame = pl.DataFrame({"id": ids, "owner": ids[:2] * 50, "name": ["x"] * 100, "n": range(100)})
    held = packed_where(frame)
    assert held.schema == {"id": pl.UInt128, "owner": pl.String, "name": pl.String, "n": pl.Int64}
    assert packed_where(frame, ["name", "n"]).schema == frame.schema
    assert packed_columns(frame, ["owner"]).schema["owner"] == pl.UInt128
    assert unpacked_frame(held).collect().equals(frame)
    some = unpacked_frame(held).filter(pl.col("id") == ids[7]).select("owner", "id").collect()
    assert some.rows() == [(ids[1], ids[7])]


def test_frames_are_packed_alike():
    guid, other = pl.DataFrame({"id": ["6f9619ff-8b86-d011-b42d-00cf4fc964ff"]}), pl.DataFrame({"id": ["x"]})
    both = [packed_columns(frame, ["id"]) for frame in (guid, other)]
    assert pl.concat(alike(both, ["id"])).equals(pl.concat([guid, other]))
    assert alike(both[:1], ["id"])[0].schema["id"] == pl.UInt128
