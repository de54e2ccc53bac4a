"""Conditions on cases and selections of events against their twins; run compiled and interpreted."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dealtrace_engine.kernels.conditions import (
    any_marked,
    begins_with,
    follows_directly,
    follows_eventually,
    loops,
    occurs,
    repeats,
)
from dealtrace_engine.kernels.selection import (
    count_marked,
    gather_marked,
    mark_between,
    mark_cases,
    renumber,
)
from naive import conditions, selection

pytestmark = pytest.mark.kernels
WIDTHS = st.sampled_from([np.uint8, np.uint16, np.uint32])
ACTIVITIES = st.integers(-1, 3)
"""-1 is an activity that does not occur."""
TIMES = st.one_of(st.integers(0, 5), st.integers(-(2**61), 2**61))
CASES = st.lists(
    st.lists(st.tuples(st.integers(0, 3), TIMES), min_size=1, max_size=8), min_size=1, max_size=6
)
BOUNDS = st.tuples(st.integers(0, 3), st.one_of(st.integers(0, 5), st.just(2**63 - 1)))


def columns(cases, width):
    """Activities, timestamps, offsets and the cases in order."""
    ordered = [sorted(events, key=lambda event: event[1]) for events in cases]
    events = [event for case in ordered for event in case]
    activities = np.array([activity for activity, _ in events], width)
    timestamps = np.array([time for _, time in events], np.int64)
    return activities, timestamps, np.cumsum([0, *map(len, ordered)]), ordered


def run(offsets, kernel, *arguments, size=None, kind=np.bool_):
    """What a kernel writes, in one block and in a block per case."""
    found = []
    for blocks in ([(0, len(offsets) - 1)], list(pairwise(range(len(offsets))))):
        out = np.zeros(len(offsets) - 1 if size is None else size, kind)
        for first, last in blocks:
            kernel(first, last, *arguments, out)
        found.append(out.tolist())
    assert found[0] == found[1]
    return found[0]


@given(CASES, WIDTHS, ACTIVITIES, st.integers(0, 3), st.integers(-1, 3))
def test_occurs(cases, width, activity, least, most):
    activities, _, offsets, ordered = columns(cases, width)
    found = run(offsets, lambda a, b, out: occurs(activities, offsets, a, b, activity, least, most, out))
    assert found == [conditions.occurs(case, activity, least, most) for case in ordered]


@given(CASES, WIDTHS, st.integers(1, 4))
def test_repeats(cases, width, least):
    activities, _, offsets, ordered = columns(cases, width)
    seen, counts = np.full(4, -1), np.zeros(4, np.int64)

    def kernel(first, last, out):
        seen.fill(-1) if first == 0 else None
        repeats(activities, offsets, first, last, least, seen, counts, out)

    assert run(offsets, kernel) == [conditions.repeats(case, least) for case in ordered]


@given(CASES, WIDTHS, ACTIVITIES, st.integers(1, 3))
def test_loops(cases, width, activity, least):
    activities, _, offsets, ordered = columns(cases, width)
    found = run(offsets, lambda a, b, out: loops(activities, offsets, a, b, activity, least, out))
    wanted = None if activity < 0 else activity
    assert found == [conditions.loops(case, wanted, least) for case in ordered]


@pytest.mark.parametrize(
    ("kernel", "twin"),
    [
        (follows_directly, conditions.follows_directly),
        (follows_eventually, conditions.follows_eventually),
    ],
)
@given(cases=CASES, width=WIDTHS, source=ACTIVITIES, target=ACTIVITIES, bounds=BOUNDS)
@example(cases=[[(0, 1), (1, 3)]], width=np.uint8, source=0, target=1, bounds=(2, 2))
def test_follows(kernel, twin, cases, width, source, target, bounds):
    activities, times, offsets, ordered = columns(cases, width)
    pair = source, target, *bounds
    found = run(offsets, lambda a, b, out: kernel(activities, times, offsets, a, b, *pair, out))
    assert found == [twin(case, *pair) for case in ordered]


@given(CASES, WIDTHS, st.lists(ACTIVITIES, min_size=1, max_size=3))
def test_begins_with(cases, width, prefix):
    activities, _, offsets, ordered = columns(cases, width)
    wanted = np.array(prefix)
    found = run(offsets, lambda a, b, out: begins_with(activities, offsets, a, b, wanted, out))
    assert found == [conditions.begins_with(case, prefix) for case in ordered]


@given(CASES, WIDTHS, ACTIVITIES, ACTIVITIES, st.booleans())
def test_mark_between(cases, width, source, target, to_next):
    activities, _, offsets, ordered = columns(cases, width)
    found = run(
        offsets,
        lambda a, b, out: mark_between(activities, offsets, a, b, source, target, to_next, out),
        size=len(activities),
    )
    assert found == [
        mark for case in ordered for mark in selection.mark_between(case, source, target, to_next)
    ]


MARKED = CASES.flatmap(
    lambda cases: st.tuples(
        st.just(cases), st.tuples(*(st.lists(st.booleans(), min_size=len(c), max_size=len(c)) for c in cases))
    )
)


@given(MARKED)
def test_any_and_count_marked(marked):
    cases, marks = marked
    _, _, offsets, _ = columns(cases, np.uint8)
    flat = np.array([mark for own in marks for mark in own])
    assert run(offsets, lambda a, b, out: any_marked(flat, offsets, a, b, out)) == [
        conditions.any_marked(own) for own in marks
    ]
    counts = run(offsets, lambda a, b, out: count_marked(flat, offsets, a, b, out), kind=np.int64)
    assert counts == selection.count_marked(marks)


@given(MARKED, WIDTHS)
def test_gather_marked(marked, width):
    cases, marks = marked
    activities, times, offsets, ordered = columns(cases, width)
    chosen = np.flatnonzero([any(own) for own in marks])
    flat = np.array([mark for own in marks for mark in own])
    expected = selection.gather_marked(ordered, marks, chosen)
    new = np.cumsum([0, *np.array([sum(own) for own in marks])[chosen]])
    for blocks in ([(0, len(chosen))], list(pairwise(range(len(chosen) + 1)))):
        used, codes, stamps = np.zeros(4, np.bool_), np.zeros(new[-1], width), np.zeros(new[-1], np.int64)
        for first, last in blocks:
            gather_marked(activities, times, flat, offsets, chosen, new, first, last, used, codes, stamps)
        assert list(zip(codes.tolist(), stamps.tolist(), strict=True)) == expected
        assert np.flatnonzero(used).tolist() == sorted({activity for activity, _ in expected})


@given(st.lists(st.integers(0, 5)), st.permutations(range(6)), st.integers(0, 10), WIDTHS)
def test_renumber(codes, numbers, cut, width):
    cut = min(cut, len(codes))
    out = np.zeros(len(codes), width)
    for first, last in ((0, cut), (cut, len(codes))):
        renumber(np.array(codes, width), np.array(numbers, width), first, last, out)
    assert out.tolist() == selection.renumber(codes, numbers)


@given(CASES, st.data())
def test_mark_cases(cases, data):
    _, _, offsets, ordered = columns(cases, np.uint8)
    keep = data.draw(st.lists(st.booleans(), min_size=len(cases), max_size=len(cases)))
    found = run(
        offsets, lambda a, b, out: mark_cases(np.array(keep), offsets, a, b, out), size=int(offsets[-1])
    )
    assert found == selection.mark_cases(ordered, keep)
