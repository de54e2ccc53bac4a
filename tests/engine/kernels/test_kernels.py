"""Kernels over whole columns against their plain-Python twins; run compiled and interpreted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_engine.kernels.constancy import constant_within_cases
from naive import constancy

pytestmark = pytest.mark.kernels


@given(st.lists(st.lists(st.integers(-1, 1), min_size=1, max_size=4), max_size=5))
def test_constant_within_cases(cases):
    codes = np.array([code for case in cases for code in case], np.int32)
    offsets = np.cumsum([0, *map(len, cases)])
    assert constant_within_cases(codes, offsets, 0, len(cases)) == constancy.constant_within_cases(cases)
