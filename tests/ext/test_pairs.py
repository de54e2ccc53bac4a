"""Pairs of neighbours against their plain twin, in one block and in many; nothing is written outside."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_ext.pairs import BUCKETS, collect, count_neighbours, count_pairs, spread
from naive import pairs as naive

WIDTH, NOWHERE = 4, 2**32 - 1
CODES = st.sampled_from([np.uint8, np.uint16, np.uint32])
TIMES = st.one_of(st.integers(0, 3), st.integers(0, 2**40), st.integers(-(2**62), 2**62))
GROUPS = st.lists(st.lists(st.tuples(st.integers(0, WIDTH - 1), TIMES), max_size=9), max_size=8)


def columns(groups, kind):
    """Codes, times, offsets and the groups in order of time."""
    ordered = [sorted(group, key=lambda event: event[1]) for group in groups]
    events = [event for group in ordered for event in group]
    codes = np.array([code for code, _ in events], kind)
    times = np.array([time for _, time in events], np.int64)
    return codes, times, np.cumsum([0, *map(len, ordered)]), ordered


def cuts(offsets):
    """Whole, and one block per group."""
    groups = len(offsets) - 1
    return [(0, groups)], [(group, group + 1) for group in range(groups)]


@given(GROUPS, CODES)
def test_count_pairs(groups, kind):
    codes, _, offsets, ordered = columns(groups, kind)
    for blocks in cuts(offsets):
        pairs, singles = np.zeros((WIDTH * WIDTH, 3), np.int64), np.zeros((WIDTH, 4), np.int64)
        for first, last in blocks:
            count_pairs(codes, offsets, first, last, WIDTH, pairs, singles)
        found = {divmod(int(p), WIDTH): tuple(pairs[p, :2].tolist()) for p in np.flatnonzero(pairs[:, 0])}
        assert found == naive.count_pairs(ordered)
        with_any = {c: tuple(row[:3].tolist()) for c, row in enumerate(singles) if row[0]}
        assert with_any == naive.count_singles(ordered)


@given(GROUPS, CODES)
def test_count_neighbours(groups, kind):
    codes, _, offsets, ordered = columns(groups, kind)
    for blocks in cuts(offsets):
        pairs, ends = np.zeros(WIDTH * WIDTH, np.int64), np.zeros((WIDTH, 2), np.int64)
        for first, last in blocks:
            count_neighbours(codes, offsets, first, last, WIDTH, pairs, ends)
        found = {divmod(int(p), WIDTH): int(pairs[p]) for p in np.flatnonzero(pairs)}
        assert found == {pair: count for pair, (count, _) in naive.count_pairs(ordered).items()}
        singles = naive.count_singles(ordered)
        assert ends.tolist() == [list(singles.get(code, (0, 0, 0))[1:]) for code in range(WIDTH)]


def test_pairs_of_wide_codes_do_not_overflow():
    """The product of a code and the width needs more than the code's own bits."""
    pairs, singles = np.zeros((256 * 256, 3), np.int64), np.zeros((256, 4), np.int64)
    count_pairs(np.array([255, 255, 254], np.uint8), np.array([0, 3]), 0, 1, 256, pairs, singles)
    assert np.flatnonzero(pairs[:, 0]).tolist() == [255 * 256 + 254, 255 * 256 + 255]
    counts, ends = np.zeros(256 * 256, np.int64), np.zeros((256, 2), np.int64)
    count_neighbours(np.array([255, 255, 254], np.uint8), np.array([0, 3]), 0, 1, 256, counts, ends)
    assert counts.tolist() == pairs[:, 0].tolist()


def places_of(many):
    """A histogram for the pairs in `many`, a single bucket for the others."""
    sizes = np.where(np.isin(np.arange(WIDTH * WIDTH), many), BUCKETS, 1)
    places = np.empty((WIDTH * WIDTH, 3), np.uint32)
    places[:, 0], places[:, 1] = np.arange(WIDTH * WIDTH), np.cumsum(sizes) - sizes
    places[:, 2] = np.where(sizes > 1, NOWHERE, 0)
    return places, int(sizes.sum())


@given(GROUPS, CODES, st.sets(st.integers(0, WIDTH * WIDTH - 1)))
def test_spread_and_collect(groups, kind, many):
    codes, times, offsets, ordered = columns(groups, kind)
    places, room = places_of(list(many))
    expected = naive.differences(ordered)
    for blocks in cuts(offsets):
        histogram, sums = np.zeros(room, np.uint32), np.zeros((WIDTH * WIDTH, 5), np.uint64)
        for first, last in blocks:
            spread(codes, times, offsets, first, last, WIDTH, places, histogram, sums)
        wanted = np.zeros(room, np.int64)
        for (source, target), values in expected.items():
            _, begin, mask = places[source * WIDTH + target].tolist()
            for value in values:
                wanted[begin + (naive.bucket(value, 5) & mask)] += 1
        assert histogram.tolist() == wanted.tolist()
        for pair in range(WIDTH * WIDTH):
            values = expected.get(divmod(pair, WIDTH), [])
            low, high, *squares = sums[pair].tolist()
            assert low + (high << 64) == sum(values) % 2**128
            assert sum(word << 64 * i for i, word in enumerate(squares)) == sum(v * v for v in values)
        ends = np.cumsum(wanted)
        cursors, out = (ends - wanted).astype(np.uint32), np.full(int(ends[-1]), -1)
        for first, last in blocks:
            collect(codes, times, offsets, first, last, WIDTH, places, cursors, out)
        assert cursors.tolist() == ends.tolist()
        order = sorted((pair, value) for pair, values in expected.items() for value in values)
        for begin, end in zip(ends - wanted, ends, strict=True):
            out[begin:end].sort()
        assert out.tolist() == [value for _, value in order]


def test_squares_beyond_128_bits():
    """Ten thousand times 2**62 between two events."""
    n = 10_000
    times = np.tile(np.array([-(2**61), 2**61]), n)
    places, room = places_of([])
    histogram, sums = np.zeros(room, np.uint32), np.zeros((WIDTH * WIDTH, 5), np.uint64)
    spread(np.zeros(2 * n, np.uint8), times, np.arange(0, 2 * n + 1, 2), 0, n, WIDTH, places, histogram, sums)
    low, high, *squares = sums[0].tolist()
    assert low + (high << 64) == n * 2**62
    assert sum(word << 64 * i for i, word in enumerate(squares)) == n * 2**124 > 2**128


@given(st.lists(st.integers(0, 2**64 - 1), min_size=2, max_size=40))
def test_buckets_follow_the_order_of_values(values):
    found = [naive.bucket(value, 5) for value in sorted(values)]
    assert found == sorted(found)
    assert found[-1] < BUCKETS


def test_only_marked_buckets_are_collected():
    codes, times, offsets = np.zeros(4, np.uint8), np.array([0, 1, 3, 10]), np.array([0, 4])
    places, room = places_of([0])
    cursors, out = np.full(room, NOWHERE, np.uint32), np.full(1, -1)
    cursors[2] = 0
    collect(codes, times, offsets, 0, 1, WIDTH, places, cursors, out)
    assert out.tolist() == [2]


BAD_GROUPS = [
    ([0, 5], 0, 1),
    ([0, 2, 1, 2], 0, 3),
    ([-1, 2], 0, 1),
    ([0, 2], 0, 2),
    ([0, 2], -1, 1),
    ([0, 2], 1, 0),
]


@pytest.mark.parametrize(("offsets", "first", "last"), BAD_GROUPS)
def test_groups_outside_are_refused(offsets, first, last):
    codes, times, (places, room) = np.zeros(2, np.uint8), np.zeros(2, np.int64), places_of([])
    pairs, singles = np.zeros((WIDTH * WIDTH, 3), np.int64), np.zeros((WIDTH, 4), np.int64)
    with pytest.raises(IndexError):
        count_pairs(codes, np.array(offsets), first, last, WIDTH, pairs, singles)
    with pytest.raises(IndexError):
        count_neighbours(
            codes, np.array(offsets), first, last, WIDTH, pairs[:, 0].copy(), singles[:, :2].copy()
        )
    with pytest.raises(IndexError):
        spread(codes, times, np.array(offsets), first, last, WIDTH, places,
               np.zeros(room, np.uint32), np.zeros((WIDTH * WIDTH, 5), np.uint64))  # fmt: skip
    with pytest.raises(IndexError):
        collect(codes, times, np.array(offsets), first, last, WIDTH, places, np.zeros(room, np.uint32), times)


def test_codes_and_places_outside_are_refused():
    codes, times, offsets = np.array([0, 4], np.uint8), np.array([0, 1]), np.array([0, 2])
    places, room = places_of([])
    pairs, singles = np.zeros((WIDTH * WIDTH, 3), np.int64), np.zeros((WIDTH, 4), np.int64)
    histogram, sums = np.zeros(room, np.uint32), np.zeros((WIDTH * WIDTH, 5), np.uint64)
    with pytest.raises(IndexError, match="code 4 at 1"):
        count_pairs(codes, offsets, 0, 1, WIDTH, pairs, singles)
    with pytest.raises(IndexError, match="code 4 at 1"):
        count_neighbours(codes, offsets, 0, 1, WIDTH, pairs[:, 0].copy(), singles[:, :2].copy())
    for wrong in (codes, np.zeros(2, np.uint8)):
        nowhere = np.full((WIDTH * WIDTH, 3), NOWHERE, np.uint32)
        with pytest.raises(IndexError, match="no place"):
            spread(wrong, times, offsets, 0, 1, WIDTH, nowhere, histogram, sums)
        with pytest.raises(IndexError, match="no place"):
            collect(wrong, times, offsets, 0, 1, WIDTH, nowhere, histogram, times.copy())
    with pytest.raises(IndexError, match="no place"):  # no row for its sums
        spread(np.array([3, 3], np.uint8), times, offsets, 0, 1, WIDTH, places, histogram, sums[:2])
    with pytest.raises(IndexError, match="no place"):  # a cursor behind the end
        collect(
            np.zeros(2, np.uint8), times, offsets, 0, 1, WIDTH, places, histogram + np.uint32(9), times.copy()
        )


def test_shapes_are_checked():
    codes, times, offsets, (places, room) = (
        np.zeros(2, np.uint8),
        np.array([0, 1]),
        np.array([0, 2]),
        places_of([]),
    )
    pairs, singles = np.zeros((WIDTH * WIDTH, 3), np.int64), np.zeros((WIDTH, 4), np.int64)
    histogram, sums = np.zeros(room, np.uint32), np.zeros((WIDTH * WIDTH, 5), np.uint64)
    for wrong in ((pairs[:3], singles), (pairs[:, :2].copy(), singles), (pairs, singles[:2])):
        with pytest.raises(ValueError, match="figures each"):
            count_pairs(codes, offsets, 0, 1, WIDTH, *wrong)
    counts, ends = np.zeros(WIDTH * WIDTH, np.int64), np.zeros((WIDTH, 2), np.int64)
    for wrong in ((counts[:3], ends), (counts, ends[:3]), (counts, singles)):
        with pytest.raises(ValueError, match="2 figures each"):
            count_neighbours(codes, offsets, 0, 1, WIDTH, *wrong)
    with pytest.raises(ValueError, match="figures each"):
        spread(codes, times, offsets, 0, 1, WIDTH, places[:3], histogram, sums)
    with pytest.raises(ValueError, match="as many times"):
        spread(codes, times[:1], offsets, 0, 1, WIDTH, places, histogram, sums)
    with pytest.raises(ValueError, match="5 words"):
        spread(codes, times, offsets, 0, 1, WIDTH, places, histogram, sums[:, :3].copy())
