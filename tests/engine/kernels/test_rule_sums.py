"""Sums of violations against their plain twin; compiled and interpreted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_engine.kernels.rule_sums import LIMB, SUMS, sum_violations
from naive import rule_sums as naive

pytestmark = pytest.mark.kernels
CASES, CELLS, RULES = 4, 3, 3
ROWS = st.lists(st.tuples(st.integers(0, RULES - 1), st.integers(0, CASES - 1), st.integers(-1, 2**62)))


@given(ROWS, st.lists(st.integers(0, CELLS - 1), min_size=CASES, max_size=CASES), st.sets(st.tuples(
    st.integers(0, RULES - 1), st.integers(0, CASES - 1))))  # fmt: skip
def test_sums_are_their_twin(drawn, cells, accepted):
    rows = [(*row, row[:2] in accepted) for row in sorted(drawn)]
    columns = np.array([row[:3] for row in rows], np.int64).reshape(-1, 3).T
    sums, broken = np.zeros((SUMS, CELLS, RULES), np.int64), np.zeros(CASES, np.bool_)
    flags = np.array([row[3] for row in rows], np.bool_)
    sum_violations(*columns, flags, np.array(cells, np.int32), sums, broken)
    expected, expected_broken = naive.sum_violations(rows, cells, RULES)
    for (cell, rule), found in expected.items():
        *counts, low, high = sums[:, cell, rule].tolist()
        assert (*counts, low + (high << LIMB)) == found
    counts = np.bincount(np.array(cells)[broken], minlength=CELLS)
    assert {cell: int(counts[cell]) for cell in expected_broken} == expected_broken
    assert counts.sum() == broken.sum()
