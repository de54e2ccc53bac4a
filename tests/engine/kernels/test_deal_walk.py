"""The walk back from a horizon against its twin; run compiled and interpreted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_engine.kernels.deal_walk import walk_back
from naive import deal_walk as naive

pytestmark = pytest.mark.kernels


@given(st.integers(0, 2**32), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(0, 5))
def test_walk_back(seed, models, states, bands, steps):
    dice = np.random.default_rng(seed)
    chances = dice.random((models, states, bands, states + 2))
    chances /= chances.sum(axis=-1, keepdims=True)
    stay, ends, moves = chances[..., 0].copy(), chances[..., 1].copy(), chances[..., 2:].copy()
    ages = np.sort(dice.integers(0, bands, 6))
    found = dice.random((models, states, len(ages)))
    first = int(dice.integers(0, models))
    expected = naive.walk_back(stay, moves, ends, ages.tolist(), steps, found.tolist())
    untouched = found[:first].copy()
    walk_back(stay, moves, ends, ages, steps, first, models, found)
    assert found[first:] == pytest.approx(np.array(expected)[first:])
    assert (found[:first] == untouched).all()
