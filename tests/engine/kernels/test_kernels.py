"""Every kernel against its plain-Python twin, in one block and in many; run compiled and interpreted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_engine.kernels.constancy import constant_within_cases
from dealtrace_engine.kernels.follows import count_activities
from naive import constancy, follows

pytestmark = pytest.mark.kernels
WIDTHS = st.sampled_from([np.uint8, np.uint16, np.uint32])
TIMES = st.one_of(st.integers(0, 3), st.integers(-(2**61), 2**61))
CASES = st.lists(
    st.lists(st.tuples(st.integers(0, 3), TIMES), min_size=1, max_size=8), min_size=1, max_size=8
)
"""Cases of (activity, time), not yet in order of time."""


def columns(cases, width):
    """Activities, timestamps, offsets and the cases in order."""
    ordered = [sorted(events, key=lambda event: event[1]) for events in cases]
    events = [event for case in ordered for event in case]
    activities = np.array([activity for activity, _ in events], width)
    timestamps = np.array([time for _, time in events], np.int64)
    return activities, timestamps, np.cumsum([0, *map(len, ordered)]), ordered


def cuts(offsets):
    """Whole, and one block per case."""
    cases = len(offsets) - 1
    return [(0, cases)], [(case, case + 1) for case in range(cases)]


@given(CASES, WIDTHS)
def test_count_activities(cases, width):
    activities, _, offsets, ordered = columns(cases, width)
    expected = follows.count_activities(dict(enumerate(ordered)))
    for blocks in cuts(offsets):
        counts, seen = np.zeros((4, 4), np.int64), np.full(4, -1, np.int64)
        for first, last in blocks:
            count_activities(activities, offsets, first, last, seen, counts)
        assert {a: row.tolist() for a, row in enumerate(counts) if row.any()} == expected


@given(st.lists(st.lists(st.integers(-1, 1), min_size=1, max_size=4), max_size=5))
def test_constant_within_cases(cases):
    codes = np.array([code for case in cases for code in case], np.int32)
    offsets = np.cumsum([0, *map(len, cases)])
    assert constant_within_cases(codes, offsets, 0, len(cases)) == constancy.constant_within_cases(cases)
