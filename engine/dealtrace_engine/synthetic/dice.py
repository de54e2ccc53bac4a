"""Seeded draws that give the same numbers on every platform and numpy version.

Only the raw output of the Philox bit generator is used, which numpy guarantees, and integer arithmetic on it;
the methods of numpy's Generator may change between versions.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import exp
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

_QUANTILES = 4096
ONE = 1 << 12
"""Fixed-point 1 of `log_normal_quantiles`."""


class Dice:
    """A stream of random integers of its own for every (seed, block).

    Parameters
    ----------
    seed, block : int
        Both below 2**64.
    """

    def __init__(self, seed: int, block: int) -> None:
        self._bits = np.random.Philox(key=np.array([seed, block], np.uint64))

    def raw(self, n: int) -> NDArray[np.uint64]:
        """Return `n` draws of 64 random bits."""
        return np.asarray(self._bits.random_raw(n), np.uint64)

    def below(self, n: int, bound: int | Ints) -> Ints:
        """Return `n` integers from 0 to `bound` - 1; `bound` at most 2**31."""
        return ((self.raw(n) >> np.uint64(33)).astype(np.int64) * bound) >> 31

    def chance(self, n: int, permille: int | Ints) -> Flags:
        """Return `n` flags that are True with the given chance in 1,000."""
        return self.below(n, 1000) < permille

    def pick(self, n: int, weights: Sequence[int]) -> Ints:
        """Return `n` indices into `weights`, each as likely as its weight."""
        ends = np.cumsum(np.asarray(weights, np.int64))
        return np.searchsorted(ends, self.below(n, int(ends[-1])), side="right").astype(np.int64)

    def log_normal(self, n: int, sigma: float) -> Ints:
        """Return `n` log-normal factors with median 1 and this sigma, as multiples of 1 / `ONE`."""
        return log_normal_quantiles(sigma)[self.below(n, _QUANTILES)]


@lru_cache(maxsize=32)
def log_normal_quantiles(sigma: float) -> Ints:
    """Return 4,096 quantiles of a log-normal distribution with median `ONE`, rounded to integers."""
    normal = NormalDist()
    middles = ((k + 0.5) / _QUANTILES for k in range(_QUANTILES))
    return np.array([round(ONE * exp(sigma * normal.inv_cdf(p))) for p in middles], np.int64)
