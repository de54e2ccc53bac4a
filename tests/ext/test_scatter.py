"""The counting sort is stable and complete, and refuses to write outside of what it is given."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_ext.scatter import count_keys, scatter, sort_within
from naive import ordering as naive

WIDTHS = (np.uint8, np.uint16, np.uint32)


def spread(chunks, groups, width=np.uint8):
    """Scatter chunks of (key, code, time) and return offsets and the three outputs."""
    keys = [np.array([key for key, _, _ in chunk], np.int32) for chunk in chunks]
    counts = np.zeros(groups, np.int64)
    for part in keys:
        count_keys(part, counts)
    offsets = np.concatenate(([0], np.cumsum(counts)))
    outputs = np.zeros(offsets[-1], width), np.zeros(offsets[-1], np.int64), np.zeros(offsets[-1], np.uint32)
    cursors, row = offsets[:-1].copy(), 0
    for part, chunk in zip(keys, chunks, strict=True):
        codes = np.array([code for _, code, _ in chunk], width)
        times = np.array([time for _, _, time in chunk], np.int64)
        scatter(part, codes, times, row, cursors, *outputs)
        row += len(chunk)
    assert cursors.tolist() == offsets[1:].tolist()
    return offsets, *outputs


EVENTS = st.tuples(st.integers(-1, 5), st.integers(0, 255), st.integers(-(2**63), 2**63 - 1))


@given(st.lists(st.lists(EVENTS, max_size=120), max_size=4), st.sampled_from(WIDTHS))
def test_events_of_a_key_keep_their_order(chunks, width):
    offsets, codes, times, rows = spread(chunks, 6, width)
    flat = [event for chunk in chunks for event in chunk]
    expected = [row for group in naive.scatter([key for key, _, _ in flat], 6) for row in group]
    assert rows.tolist() == expected
    assert codes.tolist() == [flat[row][1] for row in expected]
    assert times.tolist() == [flat[row][2] for row in expected]
    assert offsets[-1] == len(expected)


@given(st.lists(EVENTS, max_size=400), st.integers(0, 6), st.sampled_from(WIDTHS), st.permutations(range(6)))
def test_ranges_of_keys_and_tables_of_codes(events, cut, width, order):
    """Two ranges, one after the other, do what one call does; keys and codes may stand for others."""
    key_of = np.array(order, np.int32)
    code_of = np.arange(256).astype(width)[::-1].copy()
    mapped = [(order[key] if key >= 0 else -1, 255 - code, time) for key, code, time in events]
    offsets, *expected = spread([mapped], 6, width)
    keys = np.array([key for key, _, _ in events], np.int32)
    codes, times = (
        np.array([code for _, code, _ in events], width),
        np.array([t for _, _, t in events], np.int64),
    )
    outputs, cursors = [np.zeros_like(column) for column in expected], offsets[:-1].copy()
    for first, last in ((cut, 9), (-3, cut)):
        scatter(keys, codes, times, 0, cursors, *outputs, key_of, code_of, first, last)
    assert cursors.tolist() == offsets[1:].tolist()
    for found, wanted in zip(outputs, expected, strict=True):
        assert found.tolist() == wanted.tolist()


def test_what_stands_for_nothing_is_refused():
    keys, codes, times = np.array([1], np.int32), np.array([1], np.uint8), np.zeros(1, np.int64)
    one, ten = np.zeros(1, np.int32), np.full(2, 10, np.int32)
    for key_of, code_of in ((one, None), (ten, None), (None, np.zeros(1, np.uint8)), (one[:0], None)):
        with pytest.raises(IndexError, match="no place"):
            scatter(keys, codes, times, 0, np.zeros(2, np.int64), *outputs(1), key_of, code_of)


@given(
    st.lists(
        st.lists(st.one_of(st.integers(0, 3), st.integers(-(2**63), 2**63 - 1)), max_size=80), min_size=1
    ),
    st.sampled_from(WIDTHS),
)
def test_sort_within_is_a_stable_sort_of_each_case(cases, width):
    offsets = np.cumsum([0, *map(len, cases)])
    times = np.array([time for case in cases for time in case], np.int64)
    rows = np.arange(len(times), dtype=np.uint32)
    codes = (rows % 251).astype(width)
    left_over = np.zeros(len(cases), np.uint8)
    assert sort_within(offsets, codes, times, rows, 0, len(cases), left_over) == 0  # all are short
    for case, begin, end in zip(cases, offsets[:-1], offsets[1:], strict=True):
        order = sorted(range(len(case)), key=case.__getitem__)
        assert times[begin:end].tolist() == [case[at] for at in order]
        assert rows[begin:end].tolist() == [begin + at for at in order]
    assert codes.tolist() == (rows % 251).tolist()


def test_a_long_case_out_of_order_is_left_whole():
    times = np.arange(20_000, 0, -1)
    rows, codes = np.arange(20_000, dtype=np.uint32), np.zeros(20_000, np.uint8)
    left_over = np.zeros(2, np.uint8)
    assert sort_within(np.array([0, 1, 20_000]), codes, times, rows, 0, 2, left_over) == 1
    assert left_over.tolist() == [0, 1]
    assert sorted(rows.tolist()) == list(range(20_000))
    assert (times == 20_000 - rows.astype(np.int64)).all()


def test_nothing():
    offsets, codes, times, rows = spread([[]], 3)
    assert (offsets.tolist(), len(codes), len(times), len(rows)) == ([0, 0, 0, 0], 0, 0, 0)
    assert sort_within(offsets, codes, times, rows, 0, 3, np.zeros(3, np.uint8)) == 0
    assert sort_within(np.array([0]), codes, times, rows, 0, 0, np.zeros(0, np.uint8)) == 0


def outputs(n):
    return np.zeros(n, np.uint8), np.zeros(n, np.int64), np.zeros(n, np.uint32)


@pytest.mark.parametrize(
    ("key", "cursors", "room"),
    [(5, [0], 1), (0, [1], 1), (0, [-1], 1), (0, [2**40], 1), (0, [], 1), (2**31 - 1, [0], 1), (0, [0], 0)],
)
def test_scatter_never_writes_outside(key, cursors, room):
    keys = np.full(200, -1, np.int32)
    keys[130] = key  # far enough in for the look-ahead
    with pytest.raises(IndexError, match="no place"):
        scatter(
            keys,
            np.zeros(200, np.uint8),
            np.zeros(200, np.int64),
            0,
            np.array(cursors, np.int64),
            *outputs(room),
        )


def test_keys_without_a_count_are_refused():
    counts = np.zeros(2, np.int64)
    with pytest.raises(IndexError, match="key 2 at 1"):
        count_keys(np.array([0, 2], np.int32), counts)
    with pytest.raises(IndexError):
        count_keys(np.array([0], np.int32), np.zeros(0, np.int64))


@given(st.lists(st.integers(-1, 5), max_size=60), st.lists(st.integers(0, 8), min_size=6, max_size=6))
def test_keys_may_stand_for_others(keys, key_of):
    counts = np.zeros(9, np.int64)
    count_keys(np.array(keys, np.int32), counts, np.array(key_of, np.int32))
    assert counts.tolist() == [sum(key >= 0 and key_of[key] == k for key in keys) for k in range(9)]


def test_keys_that_stand_for_nothing_are_refused():
    for key, key_of in ((3, [0, 1, 2]), (0, []), (1, [0, 9])):
        with pytest.raises(IndexError):
            count_keys(np.array([key], np.int32), np.zeros(9, np.int64), np.array(key_of, np.int32))


def test_lengths_must_agree():
    keys = np.zeros(2, np.int32)
    with pytest.raises(ValueError, match="one length"):
        scatter(keys, np.zeros(1, np.uint8), np.zeros(2, np.int64), 0, np.zeros(1, np.int64), *outputs(2))
    with pytest.raises(ValueError, match="one length"):
        sort_within(np.array([0, 2]), *outputs(2)[:1], *outputs(3)[1:], 0, 1, np.zeros(1, np.uint8))


def test_rows_beyond_32_bits_are_refused():
    one = np.zeros(1, np.int32), np.zeros(1, np.uint8), np.zeros(1, np.int64)
    with pytest.raises(OverflowError, match="32 bits"):
        scatter(*one, 2**32 - 1, np.zeros(1, np.int64), *outputs(1))
    columns = outputs(1)
    scatter(*one, 2**32 - 2, np.zeros(1, np.int64), *columns)
    assert columns[2].tolist() == [2**32 - 2]


@pytest.mark.parametrize(
    ("offsets", "first", "last", "flags"),
    [
        ([0, 5], 0, 1, 1),
        ([0, 2, 1, 2], 0, 3, 3),
        ([-1, 2], 0, 1, 1),
        ([0, 2], 0, 2, 2),
        ([0, 2], -1, 1, 1),
        ([0, 2], 0, 1, 0),
        ([0, 2], 1, 0, 1),
    ],
)
def test_cases_outside_the_events_are_refused(offsets, first, last, flags):
    with pytest.raises(IndexError):
        sort_within(np.array(offsets), *outputs(2), first, last, np.zeros(flags, np.uint8))
