"""Handovers and workload against their plain twins; run compiled and interpreted."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_engine.kernels.handovers import (
    count_activities,
    count_cases,
    count_together,
    count_workload,
    group_waits,
    write_handovers,
)
from naive import handovers as naive

pytestmark = pytest.mark.kernels
WIDTH = 4
EVENTS = st.tuples(
    st.one_of(st.none(), st.integers(0, WIDTH - 1)), st.integers(0, 2), st.integers(-9, 9), st.integers(-9, 9)
)
CASES = st.lists(st.lists(EVENTS, min_size=1, max_size=8), min_size=1, max_size=6)


def columns(cases):
    """Resources, starts, ends, offsets and the cases in order."""
    ordered = [sorted(case, key=lambda event: event[3]) for case in cases]
    events = [event for case in ordered for event in case]
    resources = np.array([-1 if event[0] is None else event[0] for event in events], np.int32)
    starts, ends = (np.array([event[k] for event in events], np.int64) for k in (2, 3))
    return resources, starts, ends, np.cumsum([0, *map(len, ordered)]), ordered


def blocks(cases):
    return [[(0, len(cases))], list(pairwise(range(len(cases) + 1)))]


@given(CASES, st.booleans(), st.booleans())
def test_handovers(cases, with_starts, with_begins):
    resources, starts, ends, offsets, ordered = columns(cases)
    if not with_starts:
        starts = np.zeros(0, np.int64)
        ordered = [[(*event[:2], event[3], event[3]) for event in case] for case in ordered]
    expected = [
        (number, *found) for number, case in enumerate(ordered) for found in naive.write_handovers(case)
    ]
    case_keys = np.arange(len(cases)) * 100
    for cut in blocks(cases):
        counts, parts, occurs = np.full(len(cases), -1), [], np.zeros(100 * len(cases), np.bool_)
        for block in cut:
            keys, begins, waits = np.full((3, len(resources)), 9)
            returned = np.zeros(len(resources), np.bool_)
            out = keys, begins if with_begins else np.zeros(0, np.int64), waits, returned
            given_occurs = occurs if with_begins else np.zeros(0, np.bool_)
            write_handovers(
                resources, ends, starts, offsets, *block, WIDTH, case_keys, counts, *out, given_occurs
            )
            parts.append([each[: counts[slice(*block)].sum()] for each in (keys, begins, waits, returned)])
        assert counts.tolist() == [naive.count_handovers(case) for case in ordered]
        keys, begins, waits, returned = (np.concatenate(each) for each in zip(*parts, strict=True))
        assert np.flatnonzero(occurs).tolist() == (np.unique(keys).tolist() if with_begins else [])
        found = [
            (key // 100, key % 100 // WIDTH, key % 100 % WIDTH, begin, wait, back)
            for key, begin, wait, back in zip(
                *(each.tolist() for each in (keys, begins, waits, returned)), strict=True
            )
        ]
        if not with_begins:
            expected = [(*row[:3], 9, *row[4:]) for row in expected]
        assert found == expected


RANKED = st.lists(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=5), min_size=1, max_size=5)


@given(RANKED, st.lists(st.integers(-(2**62), 2**62), min_size=5, max_size=5), st.booleans())
def test_count_cases(cases, units, with_units):
    units = units[: len(cases)] if with_units else [0] * len(cases)
    flat, counts = [each for case in cases for each in case], np.array([*map(len, cases)], np.int64)
    offsets = np.cumsum([0, *counts])
    ranks, returned = np.array([r for r, _ in flat], np.int32), np.array([b for _, b in flat], np.bool_)
    given_units = np.array(units if with_units else [], np.int64)
    for cut in blocks(cases):
        seen, outs = np.full((2, 4), -1), np.zeros((6, 4), np.int64)
        for block in cut:
            own = slice(offsets[block[0]], offsets[block[1]])
            count_cases(ranks[own], returned[own], counts, given_units, *block, *seen, *outs)
        assert outs[0].tolist() == np.bincount(ranks, minlength=4).tolist()
        found = {
            rank: (n, back, with_back, low + (high << 24))
            for rank, (n, back, with_back, low, high) in enumerate(outs[1:].T.tolist())
            if n
        }
        assert found == naive.count_cases(cases, units)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), max_size=9))
def test_group_waits(pairs):
    expected = naive.group_waits(pairs, 4)
    offsets, out = np.cumsum([0, *map(len, expected)]), np.zeros(len(pairs), np.int64)
    ranks, waits = (np.array([pair[k] for pair in pairs], kind) for k, kind in ((0, np.int32), (1, np.int64)))
    group_waits(ranks, waits, offsets[:-1].copy(), out)
    assert out.tolist() == [wait for own in expected for wait in own]


@given(CASES, st.permutations(range(WIDTH)), st.integers(1, WIDTH))
def test_count_together(cases, order, most):
    resources, _, _, offsets, ordered = columns(cases)
    places = np.full(WIDTH, -1, np.int32)
    places[order[:most]] = np.arange(most)
    renamed = [
        [(None if e[0] is None or places[e[0]] < 0 else int(places[e[0]]), *e[1:]) for e in case]
        for case in ordered
    ]
    for cut in blocks(cases):
        out = np.zeros(most * most, np.int64)
        for block in cut:
            count_together(
                resources, offsets, *block, most, places, np.full(most, -1), np.zeros(most, np.int64), out
            )
        expected = naive.count_together(renamed)
        assert {divmod(k, most): n for k, n in enumerate(out.tolist()) if n} == dict(expected)


@given(CASES, st.sampled_from([np.uint8, np.uint16, np.uint32]))
def test_count_activities(cases, kind):
    resources, _, _, offsets, ordered = columns(cases)
    activities = np.array([event[1] for case in ordered for event in case], kind)
    out = np.zeros(WIDTH * 3, np.int64)
    for block in blocks(cases)[1]:
        count_activities(resources, activities, offsets, *block, 3, out)
    found = {divmod(k, 3): n for k, n in enumerate(out.tolist()) if n}
    assert found == dict(naive.count_activities(ordered))


@given(CASES, st.sets(st.integers(-8, 9)))
def test_count_workload(cases, cuts):
    resources, _, ends, offsets, ordered = columns(cases)
    bounds = np.array([-9, *sorted(cuts), 10])
    periods = len(bounds) - 1
    for cut in blocks(cases):
        events, in_hand = np.zeros((2, WIDTH * periods), np.int64)
        for block in cut:
            count_workload(resources, ends, offsets, *block, bounds, events, in_hand)
        for out, expected in zip(
            (events, in_hand), naive.count_workload(ordered, bounds.tolist()), strict=True
        ):
            assert {divmod(k, periods): n for k, n in enumerate(out.tolist()) if n} == dict(expected)
