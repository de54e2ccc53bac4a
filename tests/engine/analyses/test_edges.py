"""Counts, times and exact sums of pairs, cut into blocks on any threads."""

from __future__ import annotations

from types import SimpleNamespace
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_engine import parallel
from dealtrace_engine.analyses.edges import activity_cases, dense_counts, dense_edges, exact_moments
from naive import moments as naive_moments
from naive import pairs as naive

WIDTH = 4
TIMES = st.one_of(st.integers(0, 3), st.integers(-(2**62), 2**62 - 1))
CASES = st.lists(
    st.lists(st.tuples(st.integers(0, WIDTH - 1), TIMES), min_size=1, max_size=8), min_size=1, max_size=8
)
THREADS = st.sampled_from([1, 2, 8])
BLOCKS = st.sampled_from([1, 4, 1 << 18])


def log_of(cases, kind=np.uint8):
    """Columns as those of a log; its times may be further apart than those of any file."""
    events = [event for case in cases for event in case]
    return SimpleNamespace(
        activity_codes=np.array([code for code, _ in events], kind),
        timestamps=np.array([time for _, time in events], np.int64),
        case_offsets=np.cumsum([0, *map(len, cases)]),
        activities="abcd",
        events=len(events),
    )


@given(CASES, THREADS, BLOCKS)
def test_counts_times_and_moments(cases, threads, block):
    ordered = [sorted(case, key=lambda event: event[1]) for case in cases]
    log, expected = log_of(ordered), sorted(naive.times_between(ordered).items())
    with mock.patch.object(parallel, "EVENTS_PER_BLOCK", block):
        counted = dense_counts(log, threads)
        found = dense_edges(log, (0, 100), counted, threads)
    assert list(zip(found.source.tolist(), found.target.tolist(), strict=True)) == [p for p, _ in expected]
    assert found.counts.tolist() == counted.counts.tolist() == [len(own) for _, (own, _) in expected]
    assert found.cases.tolist() == [inside for _, (_, inside) in expected]
    assert found.moments == naive_moments.exact_moments([own for _, (own, _) in expected])
    assert found.percentiles.tolist() == [[min(own) / 1e6, max(own) / 1e6] for _, (own, _) in expected]
    ends, with_any = naive.count_neighbours(ordered)[1], naive.count_groups(ordered)
    events = [sum(code == own for case in cases for own, _ in case) for code in range(WIDTH)]
    assert counted.activities.tolist() == [
        [events[code], with_any.get(code, 0), *ends.get(code, (0, 0))] for code in range(WIDTH)
    ]


@given(CASES, THREADS, BLOCKS)
def test_activity_cases(cases, threads, block):
    log, expected = log_of(cases), naive.count_groups(cases)
    with mock.patch.object(parallel, "EVENTS_PER_BLOCK", block):
        spans = parallel.blocks(log.case_offsets)
        found = activity_cases(log, spans, threads)
    assert found.tolist() == [expected.get(code, 0) for code in range(WIDTH)]


@given(st.lists(st.lists(st.one_of(st.integers(0, 3), st.integers(-(2**63), 2**63 - 1)))), THREADS, BLOCKS)
def test_exact_moments(groups, threads, block):
    values = np.array([value for group in groups for value in group], np.int64)
    with mock.patch.object(parallel, "EVENTS_PER_BLOCK", block):
        found = exact_moments(values, np.cumsum([0, *map(len, groups)]), threads)
    assert found == naive_moments.exact_moments(groups)


@pytest.mark.parametrize("threads", [1, 2])
def test_squares_beyond_128_bits(threads):
    """Ten thousand times 2**62 between two events."""
    n = 10_000
    log = log_of([[(0, -(2**61)), (0, 2**61)]] * n)
    with mock.patch.object(parallel, "EVENTS_PER_BLOCK", 500):
        counted = dense_counts(log, threads)
        found = dense_edges(log, (0, 50, 100), counted, threads)
    assert len(counted.spans) > 1
    assert found.moments == [(n * 2**62, n * 2**124)]
    assert n * 2**124 > 2**128
    assert found.percentiles.tolist() == [[2**62 / 1e6] * 3]
