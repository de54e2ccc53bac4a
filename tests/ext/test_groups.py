"""Values in groups against their plain twin, in one block and in many."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_ext.groups import copy_groups, count_ties, first_to_last, mark_codes, ranked
from naive import groups as naive

WIDTHS = st.sampled_from([np.uint8, np.uint16, np.uint32])
KINDS = st.sampled_from([np.uint8, np.uint16, np.uint32, np.int64])
TIMES = st.one_of(st.integers(0, 3), st.integers(-(2**61), 2**61))
CASES = st.lists(st.lists(st.tuples(st.integers(0, 3), TIMES), max_size=8), min_size=1, max_size=8)


def columns(cases, width):
    """Codes, times, offsets and the cases in order of time."""
    ordered = [sorted(events, key=lambda event: event[1]) for events in cases]
    events = [event for case in ordered for event in case]
    times = np.array([time for _, time in events], np.int64)
    return np.array([code for code, _ in events], width), times, np.cumsum([0, *map(len, ordered)]), ordered


def offsets_of(groups):
    return np.cumsum([0, *map(len, groups)])


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


@given(st.lists(st.lists(st.integers(0, 255), max_size=6), min_size=1, max_size=6), KINDS, st.data())
def test_copy_groups(groups, kind, data):
    chosen = data.draw(st.lists(st.integers(0, len(groups) - 1), max_size=9))  # in any order, also twice
    values, offsets = np.array([value for group in groups for value in group], kind), offsets_of(groups)
    expected, new = naive.copy_groups(groups, chosen), 1 + offsets_of([groups[group] for group in chosen])
    for blocks in cuts(new):
        out = np.full(len(expected) + 2, 77, kind)
        for first, last in blocks:
            copy_groups(values, offsets, np.array(chosen, np.int64), new, first, last, out)
        assert out.tolist() == [77, *expected, 77]


@pytest.mark.parametrize(
    ("offsets", "groups", "new_offsets", "first", "last"),
    [
        ([0, 1, 3], [2], [0, 2], 0, 1),  # no such group
        ([0, 1, 3], [-1], [0, 2], 0, 1),
        ([0, 1, 3], [2**62], [0, 2], 0, 1),
        ([0], [0], [0, 0], 0, 1),
        ([], [0], [0, 0], 0, 1),
        ([0, 1, 4], [1], [0, 3], 0, 1),  # it leaves the values
        ([-1, 1, 3], [0], [0, 2], 0, 1),
        ([0, 2, 1], [1], [1, 0], 0, 1),
        ([0, 1, 3], [1, 1], [0, 2, 4], 0, 2),  # its copy leaves the place
        ([0, 1, 3], [1], [-1, 1], 0, 1),
        ([0, 1, 3], [1], [2**62, 2**62 + 2], 0, 1),
        ([0, 1, 3], [1], [0, 3], 0, 1),  # it is of another size
        ([0, 1, 3], [1], [0, 1], 0, 1),
        ([0, 1, 3], [1], [0, 2], 0, 2),  # nothing to copy there
        ([0, 1, 3], [1], [0, 2], -1, 1),
        ([0, 1, 3], [1], [0, 2], 1, 0),
        ([0, 1, 3], [1], [0], 0, 1),
        ([0, 1, 3], [1], [], 0, 0),
    ],
)
def test_what_cannot_be_copied_is_refused(offsets, groups, new_offsets, first, last):
    values, buffer = np.arange(3), np.full(5, -7)
    numbers = (np.array(each, np.int64) for each in (offsets, groups, new_offsets))
    with pytest.raises(IndexError, match=r"there (is no group|are no groups)"):
        copy_groups(values, *numbers, first, last, buffer[1:4])
    assert buffer[[0, 4]].tolist() == [-7, -7]


def test_a_copy_is_of_the_same_kind():
    numbers = np.array([0, 2]), np.array([0]), np.array([0, 2]), 0, 1
    for wrong in (np.zeros(2, np.uint16), np.zeros(2, np.int64)):
        with pytest.raises(ValueError, match="mismatch"):
            copy_groups(np.zeros(2, np.uint8), *numbers, wrong)


@given(st.lists(st.integers(0, 5), max_size=20), WIDTHS, st.integers(0, 20))
def test_mark_codes(codes, width, cut):
    cut = min(cut, len(codes))
    for blocks in ([(0, len(codes))], [(0, cut), (cut, len(codes))]):
        marks = np.zeros(6, np.uint8)
        for first, last in blocks:
            mark_codes(np.array(codes, width), first, last, marks)
        assert marks.tolist() == naive.mark_codes(codes, 6)
    marks = np.zeros(6, np.uint8)
    mark_codes(np.array(codes, width), cut, len(codes), marks)
    assert marks.tolist() == naive.mark_codes(codes[cut:], 6)


@pytest.mark.parametrize("width", [np.uint8, np.uint16, np.uint32])
def test_codes_without_a_mark_are_refused(width):
    codes, marks = np.array([0, np.iinfo(width).max, 3], width), np.zeros(3, np.uint8)
    for first, last in [(-1, 1), (0, 4), (2, 1)]:
        with pytest.raises(IndexError, match=f"no codes {first} to {last}"):
            mark_codes(codes, first, last, marks)
    with pytest.raises(IndexError, match=f"code {codes[1]} at 1 has no mark"):
        mark_codes(codes, 0, 3, marks)
    with pytest.raises(IndexError, match="code 3 at 2 has no mark"):
        mark_codes(codes, 2, 3, marks)
    with pytest.raises(IndexError, match="code 0 at 0 has no mark"):
        mark_codes(codes, 0, 1, marks[:0])


def check_ranked(groups, ranks):
    """Whole and in blocks; what stands beside the groups and in their place stays."""
    values = np.concatenate([np.array(group, np.int64) for group in groups])
    before, offsets, count = values.copy(), offsets_of(groups), len(ranks[0])
    rows = np.array(ranks, np.int64).reshape(len(groups), count)
    expected = naive.ranked([np.array(group, np.int64).tolist() for group in groups], rows.tolist())
    for blocks in cuts(offsets):
        out = np.full((len(groups) + 1, count), -7)
        for first, last in blocks:
            ranked(values, offsets, first, last, rows, out[:-1])
        assert out.tolist() == [*expected, [-7] * count]
    assert np.array_equal(values, before)


@given(
    st.lists(st.lists(TIMES, max_size=70), min_size=1, max_size=6), st.lists(st.integers(0, 69), max_size=9)
)
def test_ranked(groups, ranks):
    check_ranked(groups, [sorted(rank % max(len(group), 1) for rank in ranks) for group in groups])


def of_kind(kind, size, rng):
    """Values that lie in the buckets of a histogram in different ways."""
    steps = np.cumsum([2 ** (62 - 6 * step) for step in range(10)])[:size]
    return {
        "random": rng.integers(0, 10**7, size),
        "wide": rng.integers(-(2**63), 2**63, size),
        "rising": np.arange(size),
        "falling": np.arange(size)[::-1].copy(),
        "equal": np.full(size, -(2**63)),
        "two": np.where(rng.random(size) < 0.5, -(2**63), 2**63 - 1),
        "close": 2**62 + rng.integers(0, 3, size),
        "doubling": 2 ** (np.arange(size) % 63),
        "nested": np.concatenate((steps, steps[-1:] + rng.integers(0, 40, size - len(steps)))),
    }[kind].astype(np.int64)  # fmt: skip


KINDS_OF_VALUES = ["random", "wide", "rising", "falling", "equal", "two", "close", "doubling", "nested"]


@pytest.mark.parametrize("size", [1, 2, 15, 16, 17, 31, 32, 33, 500, 1023, 1024, 1025, 30_000])
@pytest.mark.parametrize("kind", KINDS_OF_VALUES)
def test_ranked_of_every_kind(size, kind):
    rng = np.random.default_rng(size)
    values, every = of_kind(kind, size, rng), np.arange(size)
    for ranks in (every, every[:0], every[-1:], np.sort(rng.integers(0, size, 12))):
        check_ranked([values], [ranks])


@pytest.mark.parametrize("seed", range(6))
def test_ranked_of_groups_of_mixed_sizes(seed):
    rng = np.random.default_rng(seed)
    sizes = rng.permutation([0, 0, 1, 5, 33, 1023, 1024, 1025, 1026, 4000, 30_000])
    groups = [of_kind(rng.choice(KINDS_OF_VALUES), size, rng) for size in sizes]
    ranks = [np.sort(rng.integers(0, max(size, 1), 9)) for size in sizes]
    ends = [[0] * 5 + [max(size - 1, 0)] * 4 for size in sizes]
    nothing = [own if size else np.full(9, -5) for own, size in zip(ranks, sizes, strict=True)]
    for wanted in (ranks, ends, nothing):  # those of an empty group are not looked at
        check_ranked(groups, wanted)


@pytest.mark.parametrize("size", [3, 1025, 3000])
@pytest.mark.parametrize("wrong", [[-1, 0], [0, -1], [1, 0], [0, "size"], ["size", "size"], [0, 2**62]])
def test_ranks_outside_are_refused(size, wrong):
    wrong = [size if rank == "size" else rank for rank in wrong]
    values, offsets, out = np.arange(2 * size), np.array([0, size, 2 * size]), np.full((2, 2), -7)
    for row in range(2):
        ranks = np.zeros((2, 2), np.int64)
        ranks[row] = wrong
        with pytest.raises(IndexError, match=f"of group {row} do not rise from 0 to {size - 1}"):
            ranked(values, offsets, 0, 2, ranks, out)
    assert out.tolist() == [[-7, -7], [-7, -7]]
    ranked(values, offsets, 0, 1, ranks, out)  # the wrong ones are those of another group
    assert out.tolist() == [[0, 0], [-7, -7]]


def test_ranks_and_places_have_a_row_for_each_group():
    values, offsets, ranks, out = (
        np.arange(4),
        np.array([0, 2, 4]),
        np.zeros((2, 3), int),
        np.zeros((2, 3), int),
    )
    for wrong in ((ranks[:1], out), (ranks, out[:1]), (ranks[:, :2].copy(), out), (ranks, out[:, :2].copy())):
        with pytest.raises(ValueError, match="as many places"):
            ranked(values, offsets, 0, 2, *wrong)
    ranked(values, offsets, 0, 1, ranks[:1], out[:1])
    ranked(values[:0], offsets[:1], 0, 0, ranks[:0], out[:0])
    ranked(values, offsets, 2, 2, ranks, out)


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
        lambda: ranked(
            values, np.array(offsets), first, last, np.zeros((9, 1), np.int64), np.zeros((9, 1), np.int64)
        ),
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
    with pytest.raises(IndexError, match="code 7 at 0 has no place"):
        count_ties(codes, values, offsets, 0, 1, two.copy(), two)
    with pytest.raises(ValueError, match="one length"):
        count_ties(codes, values[:1], offsets, 0, 1, two.copy(), two)
