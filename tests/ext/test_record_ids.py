"""Record ids of CRMs against a plain twin, on real shapes and on anything else."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_ext import record_ids
from naive import record_ids as naive

STATES = ("MISSING", "GOOD", "COMPLETED", "REPAIRED", "DAMAGED", "OTHER", "SCIENTIFIC")


def run(function, texts, kind=None):
    column = pa.array(texts, kind or pa.string())
    size = sum(len((text or "").encode()) for text in texts) + 3 * len(texts)
    out, offsets = np.empty(size, np.uint8), np.empty(len(texts) + 1, np.int64)
    states = np.empty(len(texts), np.uint8)
    function(column, out, offsets, states)
    ids = [bytes(out[a:b]).decode() for a, b in pairwise(offsets)]
    return list(zip(ids, [STATES[state] for state in states], strict=True))


ID = st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", min_size=15, max_size=15)
LONG = ID.map(lambda text: text + naive.checksum(text))
SALESFORCE = st.one_of(
    st.none(), st.text(max_size=20), ID, LONG, LONG.map(str.lower), LONG.map(str.upper),
    LONG.map(str.swapcase), st.from_regex(r"[0-9A-Za-z]{18}", fullmatch=True),
    st.from_regex(r"[0-9.,]{1,6}[eE][+-][0-9]{1,3}", fullmatch=True),
    st.sampled_from(["0" * 15, "000000000000000AAA", "5E+14"]),
)  # fmt: skip
PLAIN_GUID = st.uuids().map(str)
GUID = st.one_of(
    st.none(), st.text(max_size=40), PLAIN_GUID, PLAIN_GUID.map(str.upper),
    PLAIN_GUID.map(lambda g: f"{{{g}}}"),
    PLAIN_GUID.map(lambda g: f"{{{g[:-1]}x}}"), PLAIN_GUID.map(lambda g: g[:-1] + "g"),
    st.just("00000000-0000-0000-0000-000000000000"),
)  # fmt: skip


@given(st.lists(SALESFORCE, max_size=30))
def test_salesforce_ids_are_those_of_the_twin(texts):
    assert run(record_ids.salesforce_ids, texts) == [naive.salesforce_id(text) for text in texts]


@given(st.lists(GUID, max_size=30))
def test_guids_are_those_of_the_twin(texts):
    assert run(record_ids.guids, texts) == [naive.guid(text) for text in texts]


@pytest.mark.parametrize("function", [record_ids.salesforce_ids, record_ids.guids])
def test_slices_and_wide_offsets(function):
    texts = ["0064600000J5S5TAAV", None, "x", "{6F9619FF-8B86-D011-B42D-00CF4FC964FF}"]
    column = pa.array(["before", *texts], pa.large_string()).slice(1)
    out, offsets, states = np.empty(200, np.uint8), np.empty(5, np.int64), np.empty(4, np.uint8)
    function(column, out, offsets, states)
    again = run(function, texts)
    assert [STATES[state] for state in states] == [state for _, state in again]


@pytest.mark.parametrize(
    ("text", "written", "state"),
    [
        ("0064600000J5S5TAAV", "0064600000J5S5TAAV", "GOOD"),
        ("0064600000J5S5T", "0064600000J5S5TAAV", "COMPLETED"),
        ("0064600000j5s5taav", "0064600000J5S5TAAV", "REPAIRED"),
        ("0064600000J5S5tAAV", "0064600000J5S5tAAV", "DAMAGED"),
        ("000000000000000AAA", "", "MISSING"),
        ("0.0E+00", "", "SCIENTIFIC"),
        ("9CcfAt8qtZvCTwFvwOFLcg==", "9CcfAt8qtZvCTwFvwOFLcg==", "OTHER"),
    ],
)
def test_ids_as_they_are_found(text, written, state):
    assert run(record_ids.salesforce_ids, [text]) == [(written, state)]


@pytest.mark.parametrize("function", [record_ids.salesforce_ids, record_ids.guids])
def test_buffers_that_are_too_small_are_refused(function):
    column = pa.array(["0064600000J5S5TAAV"])
    with pytest.raises(ValueError, match="bytes"):
        function(column, np.empty(3, np.uint8), np.empty(2, np.int64), np.empty(1, np.uint8))
    with pytest.raises(ValueError, match="states"):
        function(column, np.empty(30, np.uint8), np.empty(1, np.int64), np.empty(1, np.uint8))
    function(pa.array([], pa.string()), np.empty(0, np.uint8), np.empty(1, np.int64), np.empty(0, np.uint8))


VIEW = np.dtype([("length", "i4"), ("prefix", "i4"), ("buffer", "i4"), ("offset", "i4")])


def numbers_of(column, function=record_ids.guid_numbers):
    high, low = np.empty(len(column), np.uint64), np.empty(len(column), np.uint64)
    good = function(column, high, low)
    return good, high, low


@given(st.lists(st.one_of(st.none(), LONG.filter(lambda text: text[:15] != "0" * 15)), max_size=30))
def test_salesforce_ids_are_numbers_and_back(texts):
    good, high, low = numbers_of(pa.array(["x", *texts]).slice(1), record_ids.salesforce_numbers)
    assert good
    numbers = [int(h) << 64 | int(w) for h, w in zip(high, low, strict=True)]
    assert numbers == [naive.salesforce_number(text) for text in texts]
    there = [text for text in texts if text]
    assert sorted(there, key=naive.salesforce_number) == sorted(there)
    out, views = np.empty(18 * len(texts), np.uint8), np.empty(len(texts), VIEW)
    record_ids.salesforce_texts(high, low, out, views)
    written = pa.Array.from_buffers(
        pa.string_view(), len(texts), [None, pa.py_buffer(views), pa.py_buffer(out)]
    )
    written.validate(full=True)
    told = [text for text in written.to_pylist() if text[0] != "\0"]
    assert told == there


@given(st.lists(SALESFORCE, max_size=10))
def test_what_is_no_salesforce_id_is_told(texts):
    good, *_ = numbers_of(pa.array(texts, pa.string()), record_ids.salesforce_numbers)
    assert good == all(naive.salesforce_number(text) is not None for text in texts)


@given(
    st.lists(st.one_of(st.none(), PLAIN_GUID, st.just("00000000-0000-0000-0000-000000000000")), max_size=30)
)
def test_guids_are_their_numbers_and_back(texts):
    column = pa.array(["x", *texts], pa.large_string()).slice(1)
    good, high, low = numbers_of(column)
    assert good
    numbers = [int(h) << 64 | int(w) for h, w in zip(high, low, strict=True)]
    assert numbers == [naive.guid_number(text) for text in texts]
    there = [text for text in texts if text]
    assert sorted(there, key=naive.guid_number) == sorted(there)
    out, views = np.empty(36 * len(texts), np.uint8), np.empty(len(texts), VIEW)
    record_ids.guid_texts(high, low, out, views)
    buffers = [None, pa.py_buffer(views), pa.py_buffer(out)]
    written = pa.Array.from_buffers(pa.string_view(), len(texts), buffers)
    written.validate(full=True)
    assert written.to_pylist() == [text or "00000000-0000-0000-0000-000000000000" for text in texts]
    again = np.empty_like(out)
    record_ids.guid_texts(high, low, again)
    assert again.tobytes() == out.tobytes()


@given(st.lists(GUID, max_size=10))
def test_what_is_no_guid_in_lower_case_is_told(texts):
    good, *_ = numbers_of(pa.array(texts, pa.string()))
    assert good == all(naive.guid_number(text) is not None for text in texts)


def test_buffers_of_another_length_are_refused():
    column, number = pa.array(["a"]), np.empty(1, np.uint64)
    with pytest.raises(ValueError, match="1 ids need as many numbers"):
        record_ids.guid_numbers(column, np.empty(2, np.uint64), number)
    with pytest.raises(ValueError, match="36 bytes each"):
        record_ids.guid_texts(number, number, np.empty(35, np.uint8), np.empty(1, VIEW))
    with pytest.raises(ValueError, match="18 bytes each"):
        record_ids.salesforce_texts(number, number, np.empty(36, np.uint8))
    with pytest.raises(ValueError, match="views"):
        record_ids.guid_texts(number, number, np.empty(36, np.uint8), np.empty(2, VIEW))
