"""Times between milestones, against the plain twin; run compiled and interpreted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_engine.kernels.segments import LIMB, NEVER, between, instants, next_targets
from naive import segments as naive

pytestmark = pytest.mark.kernels
CASES = st.lists(
    st.lists(st.tuples(st.integers(0, 3), st.integers(-5, 5)), min_size=1, max_size=6), min_size=1, max_size=6
)
ACTIVITIES = st.sets(st.integers(0, 3))
STATUS = {"absent": 0, "missed": 1, "reversed": 2, "arrived": 3}


def columns(cases):
    ordered = [sorted(case, key=lambda event: event[1]) for case in cases]
    codes = np.array([a for case in ordered for a, _ in case], np.uint8)
    times = np.array([t for case in ordered for _, t in case], np.int64)
    return ordered, codes, times, np.cumsum([0, *map(len, ordered)])


def plain(time):
    return None if time == NEVER else int(time)


@given(CASES, st.lists(st.tuples(ACTIVITIES, st.sampled_from(["first", "last"])), min_size=1, max_size=3))
def test_instants(cases, ends):
    ordered, codes, times, offsets = columns(cases)
    members = [[slot for slot, (own, _) in enumerate(ends) if activity in own] for activity in range(4)]
    slots = np.array([slot for own in members for slot in own], np.int64)
    slot_offsets = np.cumsum([0, *map(len, members)])
    latest = np.array([occurrence == "last" for _, occurrence in ends])
    out = np.full((len(ends), len(cases)), NEVER)
    room = np.zeros(7, np.int64)
    for case in range(len(cases)):
        instants(codes, times, offsets, case, case + 1, slot_offsets, slots, latest, room, out)
    for slot, end in enumerate(ends):
        assert list(map(plain, out[slot])) == [naive.instants(case, *end) for case in ordered]


@given(CASES)
def test_unknown_stamps_are_passed_by(cases):
    ordered, codes, times, offsets = columns(cases)
    stamps = np.where(times < 0, NEVER, times)
    out = np.full((2, len(cases)), NEVER)
    both = (np.array([0, 2, 2, 2, 2]), np.array([0, 1]), np.array([False, True]))
    instants(codes, stamps, offsets, 0, len(cases), *both, np.zeros(len(codes) + 1, np.int64), out)
    known = [[event for event in case if event[1] >= 0] for case in ordered]
    for slot, occurrence in enumerate(("first", "last")):
        assert list(map(plain, out[slot])) == [naive.instants(case, {0}, occurrence) for case in known]


@given(CASES, ACTIVITIES, ACTIVITIES)
def test_next_targets(cases, sources, targets):
    ordered, codes, times, offsets = columns(cases)
    expected = [naive.next_targets(case, sources, targets) for case in ordered]
    pair_offsets = np.cumsum([0, *map(len, expected)])
    found = np.full((2, pair_offsets[-1]), -99)
    marks = (np.isin(np.arange(4), list(sources)), np.isin(np.arange(4), list(targets)))
    for case in range(len(cases)):
        next_targets(codes, times, times, offsets, case, case + 1, *marks, pair_offsets, found[0], found[1])
    flat = [pair for own in expected for pair in own]
    assert list(zip(found[0].tolist(), map(plain, found[1]), strict=True)) == flat


INSTANT = st.none() | st.integers(-5, 5) | st.integers(-(2**61), 2**61)


@given(st.lists(st.tuples(INSTANT, INSTANT)))
def test_between(pairs):
    sources, targets = (
        np.array([NEVER if pair[side] is None else pair[side] for pair in pairs], np.int64) for side in (0, 1)
    )
    status, durations = np.zeros(len(pairs), np.uint8), np.zeros(len(pairs), np.int64)
    counts = np.zeros(6, np.int64)
    between(sources, targets, status, durations, counts)
    expected = [naive.between(*pair) for pair in pairs]
    assert status.tolist() == [STATUS[what] for what, _ in expected]
    assert durations[: counts[3]].tolist() == [time for _, time in expected if time is not None]
    assert counts[:4].tolist() == np.bincount(status, minlength=4).tolist()
    assert int(counts[4]) + (int(counts[5]) << LIMB) == sum(time or 0 for _, time in expected)
