"""What is done again, against the plain twin; run compiled and interpreted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_engine.kernels.rework import marked, repetitions
from naive import rework as naive

pytestmark = pytest.mark.kernels
SOME = st.one_of(st.none(), st.integers(0, 2))
EVENTS = st.lists(st.tuples(st.integers(0, 2), st.integers(-5, 9), SOME, SOME), min_size=1, max_size=9)
WIDTH = 3


def codes(values):
    return np.array([-1 if value is None else value for value in values], np.int32)


@given(
    st.lists(EVENTS, min_size=1, max_size=5), st.sampled_from([np.uint8, np.uint16, np.uint32]),
    st.booleans(), st.booleans(), st.data(),
)  # fmt: skip
def test_repetitions_and_tally(cases, kind, resources, stages, data):
    cases = [
        [(a, t, r if resources else None, s if stages else None) for a, t, r, s in
         sorted(case, key=lambda event: event[1])] for case in cases
    ]  # fmt: skip
    flat = [event for case in cases for event in case]
    activities, times = np.array([e[0] for e in flat], kind), np.array([e[1] for e in flat], np.int64)
    who = codes([e[2] for e in flat]) if resources else np.zeros(0, np.int32)
    where = codes([e[3] for e in flat]) if stages else np.zeros(0, np.int32)
    offsets = np.cumsum([0, *map(len, cases)])
    cells = np.array(
        data.draw(st.lists(st.integers(0, 1), min_size=len(cases), max_size=len(cases))), np.int32
    )
    for blocks in ([(0, len(cases))], [(case, case + 1) for case in range(len(cases))]):
        marks, gaps, spans, returns = np.zeros(len(flat), np.uint8), *np.full((3, len(flat)), -1)
        counts = np.zeros(7 * len(cases), np.int32)
        under_way, tallies = np.zeros(len(cases), np.int64), np.zeros(2 * WIDTH * 10, np.int64)
        for block in blocks:
            room = [np.full(WIDTH, -1) for _ in range(4)]
            repetitions(activities, times, who, where, offsets, cells, *block, *room, marks, gaps, spans,
                        returns, counts, under_way, tallies)  # fmt: skip
        check_cases(cases, offsets, marks, counts.reshape(-1, 7), under_way)
        for first, last in blocks:
            check_times(cases[first:last], offsets[first], gaps, spans, returns)
        for cell in range(2):
            own = [case for case, number in zip(cases, cells, strict=True) if number == cell]
            found = tallies.reshape(2, WIDTH, 10)[cell].tolist()
            assert found == [naive.tally(own, activity) for activity in range(WIDTH)]


def check_times(cases, begin, gaps, spans, returns):
    told = [naive.repetitions(case) for case in cases]
    again = [each for own, _, _ in told for each in own]
    assert gaps[begin : begin + len(again)].tolist() == [each.gap for each in again]
    assert spans[begin : begin + len(again)].tolist() == [each.span for each in again]
    left = [gap for _, own, _ in told for _, gap in own]
    assert returns[begin : begin + len(left)].tolist() == left


def check_cases(cases, offsets, marks, counts, under_way):
    for number, case in enumerate(cases):
        own = slice(offsets[number], offsets[number + 1])
        again, returns, time = naive.repetitions(case)
        assert under_way[number] == time
        kinds = {each.place: each.kind for each in again}
        last = {case[each.place][0]: each.place for each in again}
        firsts = {activity: [event[0] for event in case].index(activity) for activity in {e[0] for e in case}}
        for place, event in enumerate(case):
            expected = kinds[place] + 1 if place in kinds else 64
            expected += 8 * any(place == at for at, _ in returns) + 16 * (last.get(event[0]) == place)
            expected += 32 * (event[0] in last and firsts[event[0]] == place)
            assert marks[own][place] == expected
        told = [sum(kind == of for of in kinds.values()) for kind in range(6)]
        assert counts[number].tolist() == [*told, len(returns)]


@given(st.lists(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 127)), min_size=1), min_size=1),
       st.sampled_from([7, 8, 15]))  # fmt: skip
def test_marked(cases, mask):
    activities, marks = (np.array([event[i] for case in cases for event in case], np.uint8) for i in (0, 1))
    offsets, cells = np.cumsum([0, *map(len, cases)]), np.arange(len(cases), dtype=np.int32) % 2
    for blocks in ([(0, len(cases))], [(case, case + 1) for case in range(len(cases))]):
        found = []
        for block in blocks:
            room = np.zeros((3, len(marks) + 1), np.int64)
            count = marked(activities, marks, offsets, cells, *block, WIDTH, mask, *room)
            found += room[:, :count].T.tolist()
        assert found == naive.marked(cases, mask, cells.tolist(), WIDTH)
