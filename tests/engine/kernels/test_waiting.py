"""Waits in rows, against the plain twins; run compiled and interpreted."""

from __future__ import annotations

from itertools import chain, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_engine.kernels.waiting import (
    amount_times,
    amount_times_by_row,
    changes_by_period,
    distinct_cases,
    pair_rows,
    ranked_of_others,
    waits,
)
from naive import waiting as naive

pytestmark = pytest.mark.kernels
WIDTH = 3
EVENTS = st.lists(
    st.tuples(st.integers(0, WIDTH - 1), st.integers(-5, 5), st.integers(-7, 5)), min_size=1, max_size=6
)
ROWS = st.lists(st.lists(st.integers(0, 6), max_size=6), min_size=1, max_size=5)
MOMENTS = st.integers(-3, 25)


def spans(count):
    """All rows at once, and one by one."""
    return [(0, count)], [(row, row + 1) for row in range(count)]


@given(st.lists(EVENTS, min_size=1, max_size=6), st.sampled_from([np.uint8, np.uint16, np.uint32]), st.data())
def test_waits_and_rows(cases, kind, data):
    ordered = [sorted(case, key=lambda event: event[1]) for case in cases]
    codes = np.array([a for case in ordered for a, _, _ in case], kind)
    times, starts = (np.array([e[k] for case in ordered for e in case], np.int64) for k in (1, 2))
    offsets = np.cumsum([0, *map(len, ordered)])
    cells = data.draw(st.lists(st.integers(0, 2), min_size=len(cases), max_size=len(cases)))
    found = sorted({(x[0], y[0]) for case in ordered for x, y in pairwise(case)})
    place = {pair: number for number, pair in enumerate(found)}
    places = np.zeros(WIDTH * WIDTH, np.int32)
    for (one, other), number in place.items():
        places[one * WIDTH + other] = number
    expected = [row for case, c in zip(ordered, cells, strict=True)
                for row in naive.pair_rows(case, c, len(found), place)]  # fmt: skip
    for blocks in spans(len(cases)):
        rows, out = np.zeros(len(codes) - len(cases), np.int32), np.zeros(len(codes) - len(cases), np.int64)
        for block in blocks:
            waits(times, starts, offsets, *block, out)
            pair_rows(codes, offsets, *block, WIDTH, places, len(found), np.array(cells, np.int32), rows)
        assert out.tolist() == [wait for case in ordered for wait in naive.waits(case)]
        assert rows.tolist() == expected


@given(ROWS)
def test_distinct_cases(rows):
    ordered = [sorted(row) for row in rows]
    offsets, out = np.cumsum([0, *map(len, rows)]), np.zeros(len(rows), np.int64)
    flat = np.array(list(chain(*ordered)), np.int32)
    for blocks in spans(len(rows)):
        for block in blocks:
            distinct_cases(flat, offsets, *block, out)
        assert out.tolist() == [naive.distinct_cases(row) for row in rows]


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 2**62), st.integers(0, 2)), max_size=6), min_size=1, max_size=4
    ),
    st.lists(st.integers(-(2**62), 2**62), min_size=3, max_size=3),
)
def test_amount_times(rows, amounts):
    offsets = np.cumsum([0, *map(len, rows)])
    times, cases = (
        np.array([t for row in rows for t, _ in row], np.int64),
        [c for row in rows for _, c in row],
    )
    limbs = np.zeros(4 * len(rows), np.int64)
    for blocks in spans(len(rows)):
        for block in blocks:
            amount_times(times, np.array(cases, np.int32), offsets, np.array(amounts), *block, limbs)
        found = [sum(int(limbs[4 * row + k]) << (31 * k) for k in range(4)) for row in range(len(rows))]
        assert found == [
            naive.amount_times([t for t, _ in row], [amounts[c] for _, c in row]) for row in rows
        ]


@given(
    st.lists(
        st.tuples(
            st.lists(st.tuples(st.integers(0, 2**62), st.integers(0, 2)), max_size=5),
            st.integers(-(2**62), 2**62),
        ),
        min_size=1, max_size=4,
    )
)  # fmt: skip
def test_amount_times_by_row(cases):
    pairs, amounts = [own for own, _ in cases], [amount for _, amount in cases]
    offsets = np.cumsum([0, *(len(own) + 1 for own in pairs)])
    times = np.array([time for own in pairs for time, _ in own], np.int64)
    rows = np.array([row for own in pairs for _, row in own], np.int32)
    for blocks in spans(len(cases)):
        limbs = np.zeros(4 * 3, np.int64)
        for block in blocks:
            amount_times_by_row(times, rows, offsets, *block, np.array(amounts), limbs)
        found = [sum(int(limbs[4 * row + k]) << (31 * k) for k in range(4)) for row in range(3)]
        assert found == [naive.amount_times_by_row(pairs, amounts, row) for row in range(3)]


@given(st.lists(st.lists(st.tuples(MOMENTS, MOMENTS), max_size=6), min_size=1, max_size=4), st.integers(1, 7))
def test_changes_by_period(rows, length):
    periods, offsets = 3, np.cumsum([0, *map(len, rows)])
    begins, ends = (np.array([span[k] for row in rows for span in row], np.int64) for k in (0, 1))
    expected = [naive.changes_by_period(row, 0, length, periods) for row in rows]
    for blocks in spans(len(rows)):
        arrivals, departures = np.zeros((2, periods * len(rows)), np.int64)
        for block in blocks:
            changes_by_period(begins, ends, offsets, *block, 0, length, periods, arrivals, departures)
        assert arrivals.tolist() == [n for begun, _ in expected for n in begun]
        assert departures.tolist() == [n for _, ended in expected for n in ended]


@given(st.lists(ROWS, min_size=1, max_size=3))
def test_ranked_of_others(parents):
    rows = [sorted(row) for parent in parents for row in parent]
    whole = [sorted(chain(*parent)) for parent in parents]
    of_row = np.array([number for number, parent in enumerate(parents) for _ in parent])
    arguments = (
        np.array(list(chain(*whole)), np.int64), np.cumsum([0, *map(len, whole)]),
        np.array(list(chain(*rows)), np.int64), np.cumsum([0, *map(len, rows)]), of_row,
    )  # fmt: skip
    expected = [naive.ranked_of_others(whole[parent], row) for parent, row in zip(of_row, rows, strict=True)]
    ranks = np.array([[0, (len(others) - 1) // 2, len(others) - 1] for others in expected]).clip(min=0)
    for blocks in spans(len(rows)):
        out = np.full(3 * len(rows), -1)
        for block in blocks:
            ranked_of_others(*arguments, ranks.ravel(), 3, *block, out)
        assert out.reshape(-1, 3).tolist() == [
            [others[rank] for rank in own] if others else [-1, -1, -1]
            for others, own in zip(expected, ranks.tolist(), strict=True)
        ]
