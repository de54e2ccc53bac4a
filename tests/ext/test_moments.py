"""Sums are exact, beyond 64 bits and beyond 128."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_ext.moments import exact_moments
from naive import moments as naive

INT64 = st.one_of(st.integers(-(2**63), 2**63 - 1), st.sampled_from([-(2**63), 2**63 - 1, 0, -1]))


@given(st.lists(st.lists(INT64, max_size=30), max_size=10))
def test_sums_are_those_of_python(groups):
    values = np.array([value for group in groups for value in group], np.int64)
    assert exact_moments(values, np.cumsum([0, *map(len, groups)])) == naive.exact_moments(groups)


@pytest.mark.parametrize("value", [2**63 - 1, -(2**63)])
def test_sums_of_extremes(value):
    n = 100_000
    assert exact_moments(np.full(n, value, np.int64), np.array([0, n])) == [(n * value, n * value * value)]
    assert n * value * value > 2**128


def test_nothing():
    nothing = np.zeros(0, np.int64)
    assert exact_moments(nothing, np.array([0])) == []
    assert exact_moments(nothing, nothing) == []
    assert exact_moments(nothing, np.array([0, 0])) == [(0, 0)]


@pytest.mark.parametrize("offsets", [[0, 3], [-1, 1], [1, 0]])
def test_groups_outside_the_values_are_refused(offsets):
    with pytest.raises(ValueError, match="leave the 2 values"):
        exact_moments(np.zeros(2, np.int64), np.array(offsets))
