"""Visits and cases counted by stage, against the plain twins; run compiled and interpreted."""

from __future__ import annotations

from itertools import groupby

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dealtrace_engine.kernels.stage_counts import (
    bits_between,
    count_kept,
    group_kept,
    passed_over,
    stage_counts,
    stages_again,
    stages_of_cases,
    visit_kinds,
)
from naive import stage_counts as naive

pytestmark = pytest.mark.kernels
VISIT = st.tuples(st.integers(0, 4), st.sampled_from([0, 1, 2, 3]), st.integers(0, 9))
RANKS = st.lists(st.lists(VISIT, max_size=6), max_size=4)
VISITED = (0, 1, 5)


def flat(sequences):
    """Return cases, stages, states and times of visits, case by case."""
    cases = np.array([case for case, own in enumerate(sequences) for _ in own], np.int32)
    ranks, states, dwell = (np.array([v[i] for own in sequences for v in own], np.int64) for i in (0, 1, 2))
    return cases, ranks.astype(np.int32), states.astype(np.int8), dwell


@given(RANKS, st.integers(0, 5))
@example([[(0, 1, 0), (3, 1, 0)]], 5)
def test_kinds_and_stages_of_cases(sequences, open_stages):
    cases, ranks, states, dwell = flat(sequences)
    origins, kinds = np.zeros(len(cases), np.int32), np.zeros(len(cases), np.int8)
    visit_kinds(cases, ranks, states, open_stages, origins, kinds)
    expected = [
        pair
        for own in sequences
        for pair in naive.visit_kinds([v[0] for v in own], [v[1] != 1 for v in own], open_stages)
    ]
    assert list(zip(origins.tolist(), kinds.tolist(), strict=True)) == expected
    room = len(cases) + len(sequences) * open_stages
    pairs, counts = np.zeros(len(cases), np.int32), np.zeros(1, np.int64)
    columns = [np.full(room, 77, kind) for kind in (*[np.int32] * 4, np.int64, np.int64)]
    lost, group_rows = np.arange(5) == 4, np.zeros(len(cases), np.int64)
    groups = np.arange(len(sequences), dtype=np.int32) % 2
    stages_of_cases(cases, ranks, states, origins, dwell, groups, open_stages, lost, np.full(5, -1),
                    group_rows, pairs, *columns, counts)  # fmt: skip
    assert group_rows.tolist() == (groups[cases] * 5 + ranks).tolist()
    *columns, pair_rows = (column[: counts[0]] for column in columns)
    assert pair_rows.tolist() == (groups[columns[0]] * 5 + columns[1]).tolist()
    rows = list(zip(*(column.tolist() for column in columns), strict=True))
    assert [rows[pair][:2] for pair in pairs] == list(zip(cases.tolist(), ranks.tolist(), strict=True))
    by_case = {case: list(own) for case, own in groupby(rows, key=lambda row: row[0])}
    for case, own in enumerate(sequences):
        mine = [
            {"rank": rank, "state": state, "dwell": length, "origin": origin}
            for (rank, state, length), origin in zip(own, origins[cases == case].tolist(), strict=True)
        ]
        told = {rank: figures for _, rank, *figures in map(list, by_case.get(case, ()))}
        expected = naive.stages_of_cases(mine, open_stages, {4})
        assert {rank: tuple(figures) for rank, figures in told.items()} == expected
        assert len(told) == len(by_case.get(case, ()))


@given(st.integers(0, 4), st.integers(-1, 4), st.integers(0, 3), st.integers(0, 5), st.booleans())
def test_passed_over(rank, origin, state, open_stages, is_lost):
    into, out = passed_over(rank, origin, state, open_stages, is_lost)
    found = {*range(origin + 1, into), *range(rank + 1, out)}
    assert found == naive.passed_over(rank, origin, state, open_stages, is_lost)


@given(RANKS, st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), max_size=5), st.integers(0, 5))
@example([[(0, 1, 0), (3, 3, 2)]], [], 5)
def test_stage_counts(sequences, changes, open_stages):
    cases, ranks, states, dwell = flat(sequences)
    shifts = sorted((visit, kind) for visit, kind in changes if visit < len(cases))
    changed, kinds = (np.array([shift[i] for shift in shifts], np.int32) for i in range(2))
    groups = np.arange(len(sequences), dtype=np.int32) % 2
    lost, own = np.arange(5) == 4, [np.zeros(5, kind) for kind in (np.int32, np.int32, np.int64, np.int32)]
    counts, sizes = np.zeros(2 * 5 * 11, np.int64), np.zeros(1, np.int64)
    rows, times = np.zeros(len(cases), np.int32), np.zeros(len(cases), np.int64)
    marks = np.ones(len(cases), np.bool_)
    stage_counts(cases, ranks, states, dwell, changed, kinds.astype(np.int8), groups, open_stages, lost, *own,
                 counts, marks, rows, times, sizes)  # fmt: skip
    assert not any(values.any() for values in own[:3])
    expected, left, first = np.zeros((2, 5, 11), int), [], 0
    for case, visits in enumerate(sequences):
        told = naive.visit_kinds([v[0] for v in visits], [v[1] != 1 for v in visits], open_stages)
        plain = [
            {"rank": rank, "state": state, "dwell": length, "origin": origin, "kind": kind,
             "changes": [what for visit, what in shifts if visit == first + place]}
            for place, ((rank, state, length), (origin, kind)) in enumerate(zip(visits, told, strict=True))
        ]  # fmt: skip
        mine, gone = naive.stage_counts(plain, open_stages, {4}, 5)
        expected[case % 2] += mine
        left += [(5 * (case % 2) + stage, length) for stage, length in gone]
        first += len(visits)
    assert counts.reshape(2, 5, 11).tolist() == expected.tolist()
    found = list(zip(rows[: sizes[0]].tolist(), times[: sizes[0]].tolist(), strict=True))
    alone = 5 * groups[cases[marks]] + ranks[marks]
    found += zip(alone.tolist(), dwell[marks].tolist(), strict=True)
    assert sorted(found) == sorted(left)


@given(st.lists(VISIT, max_size=6), st.integers(0, 5), st.integers(0, 3), st.integers(0, 1))
def test_stages_again(visits, open_stages, before, after):
    """A case among others, whether it is in a stage more than once or not."""
    ranks, states, dwell = (np.array([v[i] for v in [VISITED] * before + visits + [VISITED] * after])
                            for i in range(3))  # fmt: skip
    own = [np.zeros(5, kind) for kind in (np.int32, np.int32, np.int64, np.int32)]
    counts, rows, times = np.zeros(3 * 5 * 11, np.int64), np.zeros(9, np.int32), np.zeros(9, np.int64)
    place = stages_again(
        before, before + len(visits), 10, ranks.astype(np.int32), states.astype(np.int8), dwell, open_stages,
        np.arange(5) == 4, *own, counts, rows, times, 2,
    )  # fmt: skip
    told = naive.visit_kinds([v[0] for v in visits], [v[1] != 1 for v in visits], open_stages)
    plain = [
        {"rank": rank, "state": state, "dwell": length, "origin": origin, "kind": kind, "changes": ()}
        for (rank, state, length), (origin, kind) in zip(visits, told, strict=True)
    ]
    left = naive.stages_again(plain, open_stages, {4})
    found = zip(rows[2:place].tolist(), times[2:place].tolist(), strict=True)
    assert sorted(found) == sorted((10 + stage, length) for stage, length in left)
    expected = np.array(naive.stage_counts(plain, open_stages, {4}, 5)[0])
    expected[:, 2:4] = 0  # returns are counted before
    assert counts.reshape(3, 5, 11)[2].tolist() == expected.tolist()
    assert not any(values.any() for values in own[:3])


@given(st.integers(0, 70), st.integers(0, 70))
def test_bits_between(first, last):
    assert bits_between(first, last) == naive.bits_between(first, last)


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.integers(0, 9)), max_size=9))
def test_what_is_kept(pairs):
    rows, kept, values = ([pair[i] for pair in pairs] for i in range(3))
    expected = naive.group_kept(rows, kept, values, 3)
    offsets = np.cumsum([0, *map(len, expected)])
    out = np.zeros(offsets[-1], np.int64)
    group_kept(np.array(rows, np.int32), np.array(kept, np.bool_), np.array(values, np.int64),
               offsets[:-1].copy(), out)  # fmt: skip
    assert out.tolist() == [value for own in expected for value in own]
    counts = np.zeros(6, np.int64)
    count_kept(np.array(rows, np.int32), np.array(kept, np.bool_), counts)
    assert counts.tolist() == naive.count_kept(rows, kept, 3)
