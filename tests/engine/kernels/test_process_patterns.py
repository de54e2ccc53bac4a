"""What cases did, against the plain twin; run compiled and interpreted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dealtrace_engine.kernels.process_patterns import first_marked, handled_sums, pattern_sums, shows
from naive import process_patterns as naive

pytestmark = pytest.mark.kernels
SIZE, PEOPLE = 3, 2
EVENTS = st.lists(st.tuples(st.integers(0, SIZE - 1), st.integers(0, PEOPLE - 1)), min_size=1, max_size=6)
CASES = st.lists(st.tuples(EVENTS, st.integers(-1, 5), st.integers(0, 6)), min_size=1, max_size=6)


def columns(cases):
    codes = np.array([a for case, *_ in cases for a, _ in case], np.uint8)
    people = np.array([r for case, *_ in cases for _, r in case], np.int64)
    offsets = np.cumsum([0, *(len(case) for case, *_ in cases)])
    ends = offsets[:-1] + np.minimum(np.diff(offsets), [cut for *_, cut in cases])
    cut = [case[:end] for case, _, end in cases]
    return codes, people, offsets, ends, cut, [score for _, score, _ in cases]


def halves(count):
    return [(0, count // 2), (count // 2, count)]


@settings(max_examples=300)
@given(CASES)
def test_sums(cases):
    codes, people, offsets, ends, cut, scores = columns(cases)
    did, repeated = (np.zeros((SIZE, 3), np.int64) for _ in range(2))
    before, handled = np.zeros((SIZE, SIZE, 3), np.int64), np.zeros((SIZE, PEOPLE, 3), np.int64)
    for first, last in halves(len(cases)):
        given_scores = np.array(scores)
        pattern_sums(codes, offsets, ends, first, last, np.arange(SIZE), given_scores, did, repeated, before)
        handled_sums(codes, offsets, ends, first, last, np.arange(SIZE), people, given_scores, handled)
    assert [did.tolist(), repeated.tolist(), before.tolist()] == list(naive.pattern_sums(cut, scores, SIZE))
    assert handled.tolist() == naive.handled_sums(cut, scores, SIZE, PEOPLE)


@settings(max_examples=300)
@given(CASES)
def test_activities_and_people_that_are_nowhere(cases):
    codes, people, offsets, ends, cut, scores = columns(cases)
    did, repeated = (np.zeros((1, 3), np.int64) for _ in range(2))
    before, handled = np.zeros((1, 1, 3), np.int64), np.zeros((1, 1, 3), np.int64)
    places, who = np.array([-1, 0, -1]), np.where(people == 1, 0, -1)
    pattern_sums(codes, offsets, ends, 0, len(cases), places, np.array(scores), did, repeated, before)
    handled_sums(codes, offsets, ends, 0, len(cases), places, who, np.array(scores), handled)
    expected = naive.pattern_sums(cut, scores, SIZE)
    assert (did[0].tolist(), repeated[0].tolist()) == (expected[0][1], expected[1][1])
    assert handled[0, 0].tolist() == naive.handled_sums(cut, scores, SIZE, PEOPLE)[1][1]


@settings(max_examples=300)
@given(CASES, st.integers(0, 3), st.integers(0, SIZE - 1), st.integers(0, SIZE - 1))
def test_shows(cases, kind, one, other):
    codes, people, offsets, ends, cut, _ = columns(cases)
    out = np.full(len(cases), 9)
    for first, last in halves(len(cases)):
        shows(codes, offsets, ends, first, last, people, kind, one, other, out)
    assert out.tolist() == [naive.shows(case, kind, one, other) for case in cut]


@settings(max_examples=300)
@given(CASES, st.sets(st.integers(0, SIZE - 1)))
def test_first_marked(cases, marked):
    codes, _, offsets, *_ = columns(cases)
    ends = np.full(len(cases), -9)
    for first, last in halves(len(cases)):
        first_marked(codes, offsets, first, last, np.isin(np.arange(SIZE), list(marked)), ends)
    assert (ends - offsets[:-1]).tolist() == [naive.first_marked(case, marked) for case, *_ in cases]
