"""Draws are pinned, and fall as they should."""

from __future__ import annotations

import numpy as np
import pytest

from dealtrace_engine.synthetic.dice import ONE, Dice, log_normal_quantiles

PINNED_RAW = [8893702929424106994, 13357943582879616415]
PINNED_BELOW = [482, 724, 50, 316, 680]


def test_the_stream_is_the_same_everywhere():
    assert Dice(7, 3).raw(2).tolist() == PINNED_RAW
    assert Dice(7, 3).below(5, 1000).tolist() == PINNED_BELOW


def test_seeds_and_blocks_have_streams_of_their_own():
    streams = {tuple(Dice(seed, block).raw(3).tolist()) for seed in (0, 1, 1 << 63) for block in (0, 1)}
    assert len(streams) == 6


@pytest.mark.parametrize("bound", [1, 2, 1000, 1 << 31])
def test_below_stays_below(bound: int):
    draws = Dice(1, 1).below(10_000, bound)
    assert draws.min() >= 0
    assert draws.max() < bound


def test_chances_and_weights_are_kept():
    dice = Dice(2, 2)
    assert dice.chance(100_000, 250).mean() == pytest.approx(0.25, abs=0.01)
    assert not dice.chance(1_000, 0).any()
    assert dice.chance(1_000, 1000).all()
    share = np.bincount(dice.pick(100_000, (1, 0, 3)), minlength=3) / 100_000
    assert share == pytest.approx([0.25, 0.0, 0.75], abs=0.01)


def test_log_normal_factors_have_median_one_and_their_sigma():
    quantiles = log_normal_quantiles(0.9)
    assert np.median(quantiles) == pytest.approx(ONE, rel=0.001)
    assert np.log(quantiles / ONE).std() == pytest.approx(0.9, rel=0.01)
    assert (np.diff(quantiles) >= 0).all()
