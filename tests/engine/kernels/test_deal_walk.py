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
    stay, ends = chances[..., 0].copy(), chances[..., 1].copy()
    moves = chances[..., 2:].swapaxes(2, 3).copy()
    bounds = np.array([0, *np.sort(dice.integers(0, 7, bands - 1)), 6])
    found, entered = dice.random((models, states, 6)), np.zeros((models, states))
    first = int(dice.integers(0, models))
    expected = naive.walk_back(stay, moves, ends, bounds.tolist(), steps, found.tolist())
    untouched = found[:first].copy()
    walk_back(stay, moves, ends, bounds, steps, first, models, found, entered)
    assert found[first:] == pytest.approx(np.array(expected[0])[first:])
    assert entered[first:] == pytest.approx(np.array(expected[1])[first:])
    assert (found[:first] == untouched).all()
    assert not entered[:first].any()
