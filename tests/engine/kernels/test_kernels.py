"""Every kernel against its plain-Python twin, in one block and in many; run compiled and interpreted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_engine.kernels.constancy import constant_within_cases
from dealtrace_engine.kernels.durations import sort_small_groups, throughput_times
from dealtrace_engine.kernels.follows import count_activities, count_pairs, gather_durations
from dealtrace_engine.kernels.ties import count_ties
from naive import constancy, durations, follows, ties

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


@given(CASES, WIDTHS)
def test_count_pairs(cases, width):
    activities, _, offsets, ordered = columns(cases, width)
    expected = follows.count_pairs(dict(enumerate(ordered)))
    for blocks in cuts(offsets):
        counts, in_cases, seen = np.zeros(16, np.int64), np.zeros(16, np.int64), np.full(16, -1, np.int64)
        for first, last in blocks:
            count_pairs(activities, offsets, first, last, 4, seen, counts, in_cases)
        found = {divmod(int(p), 4): (int(counts[p]), int(in_cases[p])) for p in np.flatnonzero(counts)}
        assert found == expected


def test_pairs_of_wide_codes_do_not_overflow():
    """The product of a code and the width needs more than the code's own bits."""
    activities, seen = np.array([255, 255, 254], np.uint8), np.full(256 * 256, -1, np.int64)
    counts, in_cases = np.zeros(256 * 256, np.int64), np.zeros(256 * 256, np.int64)
    count_pairs(activities, np.array([0, 3]), 0, 1, 256, seen, counts, in_cases)
    assert np.flatnonzero(counts).tolist() == [255 * 256 + 254, 255 * 256 + 255]


@given(CASES, WIDTHS)
def test_gather_durations(cases, width):
    activities, timestamps, offsets, ordered = columns(cases, width)
    expected = follows.gather_durations(dict(enumerate(ordered)))
    counts = np.array([len(expected.get(divmod(pair, 4), ())) for pair in range(16)])
    ends = np.cumsum(counts)
    for blocks in cuts(offsets):
        cursors, out = ends - counts, np.empty(ends[-1], np.int64)
        for first, last in blocks:
            gather_durations(activities, timestamps, offsets, first, last, 4, cursors, out)
        assert cursors.tolist() == ends.tolist()
        for pair, times in expected.items():
            end = ends[pair[0] * 4 + pair[1]]
            assert out[end - len(times) : end].tolist() == times


@given(CASES)
def test_throughput_times(cases):
    _, timestamps, offsets, _ = columns(cases, np.uint8)
    expected = durations.throughput_times([[time for _, time in events] for events in cases])
    for blocks in cuts(offsets):
        out = np.full(len(cases), -7)
        for first, last in blocks:
            throughput_times(timestamps, offsets, first, last, out)
        assert out.tolist() == expected


@given(st.lists(st.lists(TIMES, max_size=6), max_size=6), st.integers(0, 6))
def test_sort_small_groups(groups, largest):
    values = np.array([value for group in groups for value in group], np.int64)
    expected = [value for group in durations.sort_small_groups(groups, largest) for value in group]
    sort_small_groups(values, np.cumsum([0, *map(len, groups)]), 0, len(groups), largest)
    assert values.tolist() == expected


@given(CASES, WIDTHS)
def test_count_ties(cases, width):
    activities, timestamps, offsets, ordered = columns(cases, width)
    for blocks in cuts(offsets):
        out, seen = np.zeros(2, np.int64), np.full(4, -1, np.int64)
        for first, last in blocks:
            count_ties(activities, timestamps, offsets, first, last, seen, out)
        assert tuple(out.tolist()) == ties.count_ties(ordered)


@given(st.lists(st.lists(st.integers(-1, 1), min_size=1, max_size=4), max_size=5))
def test_constant_within_cases(cases):
    codes = np.array([code for case in cases for code in case], np.int32)
    offsets = np.cumsum([0, *map(len, cases)])
    assert constant_within_cases(codes, offsets, 0, len(cases)) == constancy.constant_within_cases(cases)
