"""Values in groups against their plain twin, in one block and in many."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_ext.groups import LARGEST, count_ties, first_to_last, ranked, sort_small_groups
from naive import groups as naive

WIDTHS = st.sampled_from([np.uint8, np.uint16, np.uint32])
TIMES = st.one_of(st.integers(0, 3), st.integers(-(2**61), 2**61))
CASES = st.lists(st.lists(st.tuples(st.integers(0, 3), TIMES), max_size=8), min_size=1, max_size=8)


def columns(cases, width):
    """Codes, times, offsets and the cases in order of time."""
    ordered = [sorted(events, key=lambda event: event[1]) for events in cases]
    events = [event for case in ordered for event in case]
    times = np.array([time for _, time in events], np.int64)
    return np.array([code for code, _ in events], width), times, np.cumsum([0, *map(len, ordered)]), ordered


def cuts(offsets):
    """Whole, and one block per group."""
    groups = len(offsets) - 1
    return [(0, groups)], [(group, group + 1) for group in range(groups)]


@given(CASES)
def test_first_to_last(cases):
    _, times, offsets, ordered = columns(cases, np.uint8)
    expected = naive.first_to_last([[time for _, time in events] for events in ordered])
    for blocks in cuts(offsets):
        out = np.full(len(cases), -7)
        for first, last in blocks:
            first_to_last(times, offsets, first, last, out)
        assert out.tolist() == expected


@given(st.lists(st.lists(TIMES, max_size=70), max_size=6), st.integers(0, 70))
def test_sort_small_groups(groups, largest):
    values = np.array([value for group in groups for value in group], np.int64)
    expected = [value for group in naive.sort_small_groups(groups, largest) for value in group]
    sort_small_groups(values, np.cumsum([0, *map(len, groups)]), 0, len(groups), largest)
    assert values.tolist() == expected


@given(st.lists(TIMES, min_size=1, max_size=70), st.lists(st.integers(0, 69), max_size=9))
def test_ranked(values, ranks):
    ranks = sorted(rank % len(values) for rank in ranks)
    out = np.full(len(ranks), -7)
    ranked(np.array(values), np.array(ranks, np.int64), out)
    assert out.tolist() == naive.ranked(values, ranks)


@pytest.mark.parametrize("size", [1, 1024, 1025, 30_000])
@pytest.mark.parametrize("kind", ["random", "wide", "falling", "equal", "two", "close", "doubling"])
def test_ranked_of_every_kind(size, kind):
    rng = np.random.default_rng(size)
    values = {
        "random": rng.integers(0, 10**7, size),
        "wide": rng.integers(-(2**63), 2**63, size),
        "falling": np.arange(size)[::-1].copy(),
        "equal": np.full(size, -(2**63)),
        "two": np.where(rng.random(size) < 0.5, -(2**63), 2**63 - 1),
        "close": 2**62 + rng.integers(0, 3, size),
        "doubling": 2 ** (np.arange(size) % 63),
    }[kind].astype(np.int64)
    before, every = values.copy(), np.arange(size)
    for ranks in (every, every[:0], every[-1:], np.sort(rng.integers(0, size, 12))):
        out = np.empty(len(ranks), np.int64)
        ranked(values, ranks, out)
        assert out.tolist() == naive.ranked(values.tolist(), ranks.tolist())
    assert np.array_equal(values, before)


@pytest.mark.parametrize("ranks", [[-1], [3], [1, 0]])
def test_ranks_outside_are_refused(ranks):
    with pytest.raises(IndexError, match="rank"):
        ranked(np.array([5, 6, 7]), np.array(ranks), np.empty(len(ranks), np.int64))
    with pytest.raises(ValueError, match="as many places"):
        ranked(np.array([5, 6, 7]), np.array([0]), np.empty(2, np.int64))
    with pytest.raises(IndexError, match="rank"):
        ranked(np.empty(0, np.int64), np.array([0]), np.empty(1, np.int64))


@pytest.mark.parametrize("size", [0, 1, 2, 15, 16, 17, 31, 32, 33, 500, 1023, 1024, 1025])
@pytest.mark.parametrize("kind", ["random", "falling", "rising", "equal"])
def test_sort_every_size(size, kind):
    rng = np.random.default_rng(size)
    values = {
        "random": rng.integers(-(2**63), 2**63, size),
        "falling": np.arange(size)[::-1].copy(),
        "rising": np.arange(size),
        "equal": np.zeros(size, np.int64),
    }[kind].astype(np.int64)
    expected = np.sort(values) if size <= LARGEST else values.copy()
    sort_small_groups(values, np.array([0, size]), 0, 1, LARGEST)
    assert np.array_equal(values, expected)


@given(CASES, WIDTHS)
def test_count_ties(cases, width):
    codes, times, offsets, ordered = columns(cases, width)
    for blocks in cuts(offsets):
        out, seen = np.zeros(2, np.int64), np.full(4, -1, np.int64)
        for first, last in blocks:
            count_ties(codes, times, offsets, first, last, seen, out)
        assert tuple(out.tolist()) == naive.count_ties(ordered)


@pytest.mark.parametrize(
    ("offsets", "first", "last"),
    [([0, 5], 0, 1), ([0, 2, 1, 2], 0, 3), ([-1, 2], 0, 1), ([0, 2], 0, 2), ([0, 2], -1, 1)],
)
def test_groups_outside_are_refused(offsets, first, last):
    values, codes, two = np.zeros(2, np.int64), np.zeros(2, np.uint8), np.zeros(2, np.int64)
    for call in (
        lambda: first_to_last(values, np.array(offsets), first, last, np.zeros(9, np.int64)),
        lambda: sort_small_groups(values, np.array(offsets), first, last, 5),
        lambda: count_ties(codes, values, np.array(offsets), first, last, two.copy(), two),
    ):
        with pytest.raises(IndexError):
            call()


def test_what_does_not_fit_is_refused():
    values, codes, offsets, two = (
        np.zeros(2, np.int64),
        np.full(2, 7, np.uint8),
        np.array([0, 2]),
        np.zeros(2, np.int64),
    )
    with pytest.raises(IndexError, match="no room"):
        first_to_last(values, offsets, 0, 1, np.zeros(0, np.int64))
    with pytest.raises(ValueError, match="are sorted here"):
        sort_small_groups(values, offsets, 0, 1, LARGEST + 1)
    with pytest.raises(IndexError, match="code 7 at 0 has no place"):
        count_ties(codes, values, offsets, 0, 1, two.copy(), two)
    with pytest.raises(ValueError, match="one length"):
        count_ties(codes, values[:1], offsets, 0, 1, two.copy(), two)
