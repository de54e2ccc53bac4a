"""Percentiles are numpy's, bit for bit, for any group sizes and threads."""

from __future__ import annotations

from fractions import Fraction
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_engine import parallel
from dealtrace_engine.percentiles import check_percentiles, group_percentiles, percentile_name, values_at
from naive import groups as naive_groups
from naive import percentiles as naive

VALUES = st.one_of(st.integers(0, 5), st.integers(-(10**15), 10**15), st.integers(-(2**62), 2**62))
RANKS = st.lists(
    st.one_of(st.sampled_from([0, 50, 90, 95, 99, 100, 25, 99.9]), st.floats(0, 100)), min_size=1, max_size=5
)


def grouped(groups):
    return np.array([v for group in groups for v in group], np.int64), np.cumsum([0, *map(len, groups)])


@given(
    st.lists(st.lists(VALUES, max_size=30), max_size=6),
    RANKS,
    st.sampled_from([1, 4, 1 << 18]),
    st.sampled_from([1, 2, 8]),
)
def test_equal_to_numpy_bit_for_bit(groups, ranks, block, threads):
    values, offsets = grouped(groups)
    before = values.copy()
    with mock.patch.object(parallel, "EVENTS_PER_BLOCK", block):
        found = group_percentiles(values, offsets, ranks, threads=threads)
    assert np.array_equal(values, before)
    assert found.shape == (len(groups), len(ranks))
    for group, row in zip(groups, found, strict=True):
        if not group:
            assert np.isnan(row).all()
            continue
        expected = np.percentile(np.array(group, np.int64) / 1e6, ranks)
        assert row.tobytes() == expected.tobytes()
        assert row.tolist() == [naive.percentile(group, rank) for rank in ranks]


@given(st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=50), st.integers(0, 100))
def test_close_to_the_definition(group, rank):
    values, offsets = grouped([group])
    exact = naive.exact_percentile(group, rank) / 10**6
    found = group_percentiles(values, offsets, [rank])[0, 0]
    # The weight between two values is a float64, so that a large distance between them counts.
    rounded = Fraction(max(group) - min(group), 10**6) * len(group) / 2**52
    assert abs(Fraction(float(found)) - exact) <= Fraction(1, 10**9) + rounded
    assert min(group) / 1e6 <= found <= max(group) / 1e6


@pytest.mark.parametrize("threads", [1, 2])
def test_large_groups(threads):
    rng, ranks = np.random.default_rng(5), [0, 1, 50, 99, 99.99, 100]
    groups = [rng.integers(0, 10**13, size) for size in (1023, 1024, 0, 1025, 1, 5000, 30_000)]
    values, offsets = np.concatenate(groups), np.cumsum([0, *map(len, groups)])
    with mock.patch.object(parallel, "EVENTS_PER_BLOCK", 1025):
        found = group_percentiles(values, offsets, ranks, threads=threads)
    assert np.array_equal(values, np.concatenate(groups))
    for group, row in zip(groups, found, strict=True):
        expected = np.percentile(group / 1e6, ranks) if len(group) else np.full(len(ranks), np.nan)
        assert row.tobytes() == expected.tobytes()


@given(
    st.lists(st.lists(VALUES, max_size=30), max_size=6),
    st.integers(0, 5),
    st.sampled_from([1, 4, 1 << 18]),
    st.sampled_from([1, 2, 8]),
    st.data(),
)
def test_values_at_ranks_in_any_order(groups, count, block, threads, data):
    values, offsets = grouped(groups)
    ranks = [
        data.draw(st.lists(st.integers(0, max(len(g) - 1, 0)), min_size=count, max_size=count))
        for g in groups
    ]
    wanted = np.array(ranks, np.int64).reshape(len(groups), count)
    with mock.patch.object(parallel, "EVENTS_PER_BLOCK", block):
        found = values_at(values, offsets, wanted, threads)
    assert found.tolist() == naive_groups.ranked(groups, ranks)
    assert wanted.tolist() == ranks


@pytest.mark.parametrize("groups", [[], [[]], [[], [1], []], [[], []]])
def test_empty_groups(groups):
    values, offsets = grouped(groups)
    found = group_percentiles(values, offsets, [50, 100])
    assert np.isnan(found).tolist() == [[not group] * 2 for group in groups]


def test_no_percentiles():
    assert group_percentiles(np.array([1, 2]), np.array([0, 2]), []).shape == (1, 0)


@pytest.mark.parametrize("wrong", [[-1], [100.1], [float("nan")], 50, [[50]], [float("inf")]])
def test_what_is_no_percentile_is_refused(wrong):
    with pytest.raises(ValueError, match="from 0 to 100"):
        check_percentiles(wrong)


def test_different_percentiles_have_different_names():
    ranks = [50, 5, 0.5, 99.9, 99.99, 99.999999, 99.9999999999, 100, 1e-7, 0]
    names = [percentile_name(rank) for rank in ranks]
    assert len(set(names)) == len(ranks)
    assert names[:2] == ["p50_s", "p5_s"]
