"""Pairs of neighbours against their plain twin, in one block and in many; nothing is written outside."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_ext.pairs import count_groups, count_neighbours, times_between
from naive import pairs as naive

WIDTH, UNTOUCHED = 4, -7
CODES = st.sampled_from([np.uint8, np.uint16, np.uint32])
TIMES = st.one_of(st.integers(0, 3), st.integers(0, 2**40), st.integers(-(2**62), 2**62 - 1))
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


def empty_tallies(width=WIDTH):
    """What `count_neighbours`, `count_groups` and `times_between` count in."""
    counts, ends = np.zeros(width * width, np.int64), np.zeros((width, 2), np.int64)
    return counts, ends, np.zeros((width, 2), np.int64), np.zeros((width * width, 3), np.int64)


@given(GROUPS, CODES)
def test_count_neighbours(groups, kind):
    codes, _, offsets, ordered = columns(groups, kind)
    expected, expected_ends = naive.count_neighbours(ordered)
    for blocks in cuts(offsets):
        pairs, ends, _, _ = empty_tallies()
        for first, last in blocks:
            count_neighbours(codes, offsets, first, last, WIDTH, pairs, ends)
        assert {divmod(int(p), WIDTH): int(pairs[p]) for p in np.flatnonzero(pairs)} == expected
        assert ends.tolist() == [list(expected_ends.get(code, (0, 0))) for code in range(WIDTH)]


@given(GROUPS, CODES)
def test_count_groups(groups, kind):
    codes, _, offsets, ordered = columns(groups, kind)
    expected = naive.count_groups(ordered)
    for blocks in cuts(offsets):
        _, _, tallies, _ = empty_tallies()
        for first, last in blocks:
            count_groups(codes, offsets, first, last, WIDTH, tallies)
        assert tallies[:, 0].tolist() == [expected.get(code, 0) for code in range(WIDTH)]


def places(ordered, before, room):
    """Where the times of each pair begin, beyond one place that stays free; `room` where there are none.

    Before them lie those of `before`, groups whose times are written by another call.
    """
    sizes = [len(naive.times_between(ordered).get(divmod(p, WIDTH), ([], 0))[0]) for p in range(WIDTH**2)]
    taken = [len(naive.times_between(before).get(divmod(p, WIDTH), ([], 0))[0]) for p in range(WIDTH**2)]
    return np.where(sizes, 1 + np.cumsum(sizes) - sizes + taken, room)


@given(GROUPS, CODES)
def test_times_between(groups, kind):
    codes, times, offsets, ordered = columns(groups, kind)
    expected = naive.times_between(ordered)
    flat = [time for _, (own, _) in sorted(expected.items()) for time in own]
    room = len(flat) + 2
    for blocks in cuts(offsets):
        _, _, _, tallies = empty_tallies()
        tallies[:, 0] = begins = places(ordered, [], room)
        out = np.full(room, UNTOUCHED)
        for first, last in blocks:
            times_between(codes, times, offsets, first, last, WIDTH, tallies, out)
        assert out.tolist() == [UNTOUCHED, *flat, UNTOUCHED]
        for pair, (next_place, groups_with, _) in enumerate(tallies.tolist()):
            own, inside = expected.get(divmod(pair, WIDTH), ([], 0))
            assert (next_place - begins[pair], groups_with) == (len(own), inside)


@given(GROUPS, CODES, st.randoms())
def test_blocks_write_their_times_in_any_order(groups, kind, rng):
    """Each block knows where its own begin, as on threads."""
    codes, times, offsets, ordered = columns(groups, kind)
    expected = naive.times_between(ordered)
    flat = [time for _, (own, _) in sorted(expected.items()) for time in own]
    out, groups_with = np.full(len(flat) + 2, UNTOUCHED), np.zeros(WIDTH**2, np.int64)
    blocks = cuts(offsets)[1]
    rng.shuffle(blocks)
    for first, last in blocks:
        _, _, _, tallies = empty_tallies()
        tallies[:, 0] = places(ordered, ordered[:first], len(out))
        times_between(codes, times, offsets, first, last, WIDTH, tallies, out)
        groups_with += tallies[:, 1]
    assert out.tolist() == [UNTOUCHED, *flat, UNTOUCHED]
    assert {divmod(int(p), WIDTH): int(groups_with[p]) for p in np.flatnonzero(groups_with)} == {
        pair: inside for pair, (_, inside) in expected.items()
    }


@pytest.mark.parametrize(("kind", "width"), [(np.uint8, 256), (np.uint16, 300), (np.uint32, 300)])
def test_pairs_of_wide_codes_do_not_overflow(kind, width):
    """The product of a code and the width needs more than the code's own bits."""
    codes, times, offsets = np.array([width - 1, width - 1, width - 2], kind), np.arange(3), np.array([0, 3])
    counts, ends, singles, tallies = empty_tallies(width)
    places = [width * width - 2, width * width - 1]
    count_neighbours(codes, offsets, 0, 1, width, counts, ends)
    assert np.flatnonzero(counts).tolist() == places
    count_groups(codes, offsets, 0, 1, width, singles)
    assert np.flatnonzero(singles[:, 0]).tolist() == [width - 2, width - 1]
    out = np.empty(2, np.int64)
    tallies[:, 0] = 2
    tallies[places, 0] = 0, 1
    times_between(codes, times, offsets, 0, 1, width, tallies, out)
    assert np.flatnonzero(tallies[:, 1]).tolist() == places
    assert out.tolist() == [1, 1]


def test_a_time_beyond_64_bits_wraps():
    times, out = np.array([-(2**63), 2**63 - 1]), np.empty(1, np.int64)
    _, _, _, tallies = empty_tallies()
    times_between(np.zeros(2, np.uint8), times, np.array([0, 2]), 0, 1, WIDTH, tallies, out)
    assert out.tolist() == [-1]


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
    codes, times, block = np.zeros(2, np.uint8), np.zeros(2, np.int64), (np.array(offsets), first, last)
    counts, ends, singles, tallies = empty_tallies()
    with pytest.raises(IndexError, match="group"):
        count_neighbours(codes, *block, WIDTH, counts, ends)
    with pytest.raises(IndexError, match="group"):
        count_groups(codes, *block, WIDTH, singles)
    with pytest.raises(IndexError, match="group"):
        times_between(codes, times, *block, WIDTH, tallies, np.zeros(9, np.int64))
    for untouched in (counts, ends, singles, tallies):
        assert not untouched.any()


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.uint32])
@pytest.mark.parametrize("width", [WIDTH, 0])
def test_codes_outside_are_refused(kind, width):
    codes, times, offsets = np.array([0, WIDTH], kind), np.array([0, 1]), np.array([0, 2])
    counts, ends, singles, tallies = empty_tallies()
    bad = "code 4 at 1" if width else "code 0 at 0"
    with pytest.raises(IndexError, match=bad):
        count_neighbours(codes, offsets, 0, 1, width, counts, ends)
    with pytest.raises(IndexError, match=bad):
        count_groups(codes, offsets, 0, 1, width, singles)
    with pytest.raises(IndexError, match=bad):
        times_between(codes, times, offsets, 0, 1, width, tallies, np.zeros(9, np.int64))
    for untouched in (counts, ends, singles, tallies):
        assert not untouched.any()


@pytest.mark.parametrize("place", [-1, -(2**63), 3, 2**40, 2**63 - 1])
@pytest.mark.parametrize("room", [0, 3])
def test_places_outside_are_refused(place, room):
    codes, times, offsets = np.zeros(2, np.uint8), np.array([0, 1]), np.array([0, 2])
    _, _, _, tallies = empty_tallies()
    tallies[0, 0], out = place, np.full(room, UNTOUCHED)
    with pytest.raises(IndexError, match=f"the time before 1 has no place among {room}"):
        times_between(codes, times, offsets, 0, 1, WIDTH, tallies, out)
    assert out.tolist() == [UNTOUCHED] * room


def test_what_is_more_than_there_is_room_for_is_refused():
    buffer = np.full(5, UNTOUCHED)
    _, _, _, tallies = empty_tallies()
    with pytest.raises(IndexError, match="the time before 4 has no place among 3"):
        times_between(np.zeros(6, np.uint8), np.arange(6), np.array([0, 6]), 0, 1, WIDTH, tallies, buffer[:3])
    assert buffer.tolist() == [1, 1, 1, UNTOUCHED, UNTOUCHED]


def test_shapes_are_checked():
    codes, times, block, out = np.zeros(2, np.uint8), np.arange(2), (np.array([0, 2]), 0, 1), np.zeros(9, int)
    counts, ends, singles, tallies = empty_tallies()
    for wrong in ((counts[:3], ends), (counts, ends[:3]), (counts, np.zeros((WIDTH, 4), np.int64))):
        with pytest.raises(ValueError, match="2 figures each"):
            count_neighbours(codes, *block, WIDTH, *wrong)
    for wrong in (singles[:3], singles[:, :1].copy(), np.zeros((WIDTH, 3), np.int64)):
        with pytest.raises(ValueError, match="2 figures each"):
            count_groups(codes, *block, WIDTH, wrong)
    for wrong in (tallies[:15], tallies[:, :2].copy(), np.zeros((WIDTH * WIDTH, 4), np.int64)):
        with pytest.raises(ValueError, match="3 figures each"):
            times_between(codes, times, *block, WIDTH, wrong, out)
    for wrong in (times[:1], np.arange(3)):
        with pytest.raises(ValueError, match="as many times"):
            times_between(codes, wrong, *block, WIDTH, tallies, out)
    for call in (
        lambda: count_neighbours(codes, *block, -1, counts, ends),
        lambda: count_groups(codes, *block, -1, singles),
        lambda: times_between(codes, times, *block, -1, tallies, out),
    ):
        with pytest.raises(ValueError, match="figures each"):
            call()


def test_no_events():
    counts, ends, singles, tallies = empty_tallies()
    for offsets in (np.array([0]), np.array([0, 0, 0])):
        nothing, block = np.zeros(0, np.uint8), (offsets, 0, len(offsets) - 1)
        count_neighbours(nothing, *block, 0, counts[:0], ends[:0])
        count_groups(nothing, *block, 0, singles[:0])
        times_between(nothing, np.zeros(0, np.int64), *block, 0, tallies[:0], np.zeros(0, np.int64))


def test_a_width_whose_square_wraps_is_refused():
    codes, offsets = np.zeros(2, np.uint32), np.array([0, 2])
    with pytest.raises(ValueError, match="figures each"):
        times_between(codes, np.zeros(2, np.int64), offsets, 0, 1, 2**32, np.zeros((0, 3), np.int64),
                      np.zeros(2, np.int64))  # fmt: skip
    with pytest.raises(ValueError, match="figures each"):
        count_neighbours(codes, offsets, 0, 1, 2**32, np.zeros(0, np.int64), np.zeros((0, 2), np.int64))
