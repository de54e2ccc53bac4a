"""Paths of cases against their plain twins; run compiled and interpreted."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_engine.kernels.journeys import count_map, count_steps, decide, mark_without_loops
from naive import journeys as naive

pytestmark = pytest.mark.kernels
WIDTH = 3
CASES = st.lists(
    st.lists(st.integers(0, WIDTH - 1), min_size=1, max_size=12), min_size=1, max_size=6
)  # fmt: skip
KINDS = st.sampled_from([np.uint8, np.uint16, np.uint32])


def columns(cases, kind):
    flat = np.array([activity for case in cases for activity in case], kind)
    return flat, np.cumsum([0, *map(len, cases)])


def cuts(cases):
    return [[(0, len(cases))], list(pairwise(range(len(cases) + 1)))]


@given(CASES, KINDS, st.integers(1, 4))
def test_mark_without_loops(cases, kind, longest):
    activities, offsets = columns(cases, kind)
    for cut in cuts(cases):
        marks = np.ones(len(activities), np.bool_)
        for block in cut:
            mark_without_loops(activities, offsets, *block, longest, np.zeros(12, np.int64), marks)
        expected = [mark for case in cases for mark in naive.mark_without_loops(case, longest)]
        assert marks.tolist() == expected


@given(CASES, KINDS, st.lists(st.integers(-2, 1), min_size=WIDTH, max_size=WIDTH))
def test_decide(cases, kind, meanings):
    activities, offsets = columns(cases, kind)
    told = {activity: meaning for activity, meaning in enumerate(meanings) if meaning > -2}
    for cut in cuts(cases):
        outcomes, ends = np.full(len(cases), 9, np.int8), np.full(len(cases), 99)
        for block in cut:
            decide(activities, offsets, *block, np.array(meanings, np.int8), outcomes, ends)
        found = list(zip(outcomes.tolist(), (ends - offsets[:-1]).tolist(), strict=True))
        assert found == [naive.decide(case, told) for case in cases]


PATHS = st.lists(
    st.tuples(
        st.integers(-1, 1),
        st.lists(st.integers(0, WIDTH - 1), min_size=1, max_size=7),
        st.integers(0, 7),
    ),
    min_size=1, max_size=6,
)  # fmt: skip


def paths_of(drawn, kind):
    cases = [case for _, case, _ in drawn]
    activities, offsets = columns(cases, kind)
    ends = np.minimum(offsets[:-1] + [end for *_, end in drawn], offsets[1:])
    groups = np.array([group for group, *_ in drawn], np.int32)
    return activities, offsets, ends, groups, [(group, case[:end]) for group, case, end in drawn]


@given(PATHS, KINDS)
def test_count_steps(drawn, kind):
    activities, offsets, ends, groups, paths = paths_of(drawn, kind)
    for cut in cuts(drawn):
        outs = [np.zeros(size, np.int64) for size in (2 * WIDTH, 2 * WIDTH, 2 * WIDTH * WIDTH)]
        for block in cut:
            scratch = np.full(WIDTH, -1), np.zeros(WIDTH, np.int64), np.zeros(WIDTH, np.int64)
            count_steps(activities, offsets, *block, ends, groups, WIDTH, *scratch, *outs)
        shapes = [(2, WIDTH), (2, WIDTH), (2, WIDTH, WIDTH)]
        for out, shape, expected in zip(outs, shapes, naive.count_steps(paths), strict=True):
            found = {index: int(n) for index, n in np.ndenumerate(out.reshape(shape)) if n}
            assert found == dict(expected)


@given(PATHS, KINDS)
def test_count_map(drawn, kind):
    activities, offsets, ends, groups, paths = paths_of(drawn, kind)
    edges = (WIDTH + 1) ** 2
    for cut in cuts(drawn):
        counts, cases = np.zeros((2, 2 * edges), np.int64)
        for block in cut:
            seen = np.full(edges, -1)
            count_map(activities, offsets, *block, ends, groups, WIDTH, seen, counts, cases)
        for out, expected in zip((counts, cases), naive.count_map(paths), strict=True):
            shaped = out.reshape(2, WIDTH + 1, WIDTH + 1)
            found = {
                tuple(None if k and at == WIDTH else at for k, at in enumerate(index)): int(n)
                for index, n in np.ndenumerate(shaped)
                if n
            }
            assert found == dict(expected)
