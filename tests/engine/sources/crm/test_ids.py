"""Ids as they are held: any text comes back, null stays null, equal texts are equal numbers."""

from __future__ import annotations

import pickle

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_engine.sources.crm import ids as module
from dealtrace_engine.sources.crm.ids import GuidIds, SalesforceIds, TextIds, held, with_texts, written
from naive.record_ids import checksum

GUID = st.uuids().map(str)
ODD = st.one_of(
    st.text(min_size=1, max_size=30), st.sampled_from(["q1", "q2", "Q1", "a" * 8, "a" * 9]),
    GUID.map(str.upper), GUID.map(lambda text: f"00000000{text[8:]}"),
    st.from_regex("[0-9A-Za-z]{15}[A-Z0-5]{3}", fullmatch=True), st.just("000000000000000AAA"),
).filter(lambda text: "\0" not in text)  # fmt: skip
LONG = st.from_regex("[0-9A-Za-z]{15}", fullmatch=True).map(lambda text: text + checksum(text))
IDS = st.one_of(
    st.lists(st.one_of(st.none(), GUID, LONG, ODD), max_size=30), st.lists(LONG, max_size=30)
)  # fmt: skip


@pytest.mark.parametrize("kind", [GuidIds, SalesforceIds, TextIds])
@given(IDS, IDS)
def test_ids_come_back(kind, first, then):
    ids = kind()
    columns = [pl.Series("id", texts, pl.String) for texts in (first, then)]
    both = [ids.held(column) for column in columns]
    assert [column.dtype for column in both] == [ids.kind] * 2
    assert [ids.texts(column).to_list() for column in both] == [first, then]
    assert [ids.arrow(column).to_pylist() for column in both] == [first, then]
    again = pickle.loads(pickle.dumps(ids))
    assert again.held(columns[0]).equals(both[0], null_equal=True)
    assert ids.held(both[0]).equals(both[0], null_equal=True)
    texts, numbers = pl.concat(columns), pl.concat(both)
    assert texts.n_unique() == numbers.n_unique()
    assert pl.DataFrame({"a": texts, "b": numbers}).n_unique() == texts.n_unique()


@given(st.lists(ODD, max_size=20, unique=True))
def test_numbers_do_not_depend_on_the_order_in_which_ids_are_seen(texts):
    first, then = GuidIds(), GuidIds()
    column = pl.Series("id", texts, pl.String)
    assert first.held(column).to_list() == then.held(column.reverse()).reverse().to_list()


def test_two_texts_that_ask_for_the_same_number_get_their_own(monkeypatch):
    monkeypatch.setattr(module, "crc32", lambda _: 0)
    ids, texts = GuidIds(), pl.Series(["same beginning 1", "same beginning 2"])
    numbers = ids.held(texts)
    assert numbers.n_unique() == 2
    assert ids.texts(numbers).to_list() == texts.to_list()


def test_short_ids_are_in_the_order_of_their_texts():
    texts = pl.Series(["b", "a10", "a2", "a"])
    assert GuidIds().held(texts).arg_sort().to_list() == texts.arg_sort().to_list()


@given(st.lists(LONG, max_size=20))
def test_salesforce_numbers_are_in_the_order_of_their_texts(texts):
    column = pl.Series("id", texts, pl.String)
    held_ids = SalesforceIds().held(column)
    assert held_ids.arg_sort().to_list() == column.arg_sort().to_list()


def test_columns_of_frames_as_they_are_held_and_as_texts():
    ids = GuidIds()
    frame = pl.DataFrame({"id": ["q1", None], "n": [1, 2]})
    numbers = frame.lazy().with_columns(held(ids, pl.col("id"))).collect()
    assert numbers.schema == {"id": pl.UInt128(), "n": pl.Int64()}
    assert with_texts(numbers, ids).equals(frame)
    assert numbers.lazy().with_columns(written(ids, pl.col("id"))).collect().equals(frame)
    assert ids.held(pl.Series([None, None])).dtype == pl.UInt128()
