"""Sizes of effects and their intervals: shares, odds ratios, and differences of means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.analyses.rate_intervals import normal_quantile

Floats = NDArray[np.float64]


def odds_ratio(
    hits: NDArray[np.int64], of: NDArray[np.int64], other_hits: NDArray[np.int64],
    other_of: NDArray[np.int64], level: float = 0.95,
) -> tuple[Floats, Floats, Floats]:  # fmt: skip
    """Return odds ratios and their intervals; half a case is added to each cell, so that none is infinite.

    Parameters
    ----------
    hits, of, other_hits, other_of : ndarray of int64, shape (n,)
    level : float

    Returns
    -------
    ratio, low, high : ndarray of float64, shape (n,)

    References
    ----------
    J. B. S. Haldane, "The estimation and significance of the logarithm of a ratio of frequencies", Annals of
    Human Genetics 20, 1956; interval: B. Woolf, Annals of Human Genetics 19, 1955.

    Examples
    --------
    >>> n = np.array
    >>> [float(x[0].round(2)) for x in odds_ratio(n([20]), n([40]), n([10]), n([40]))]
    [2.9, 1.15, 7.37]
    """
    cells = [(hits + 0.5), (of - hits + 0.5), (other_hits + 0.5), (other_of - other_hits + 0.5)]
    log = np.log(cells[0]) - np.log(cells[1]) - np.log(cells[2]) + np.log(cells[3])
    reach = normal_quantile(level) * np.sqrt(sum(1 / cell for cell in cells))
    return np.exp(log), np.exp(log - reach), np.exp(log + reach)


@dataclass(frozen=True)
class Difference:
    """How the numbers of one group differ from those of another.

    Attributes
    ----------
    mean, other_mean : float
    effect, low, high : float
        Difference of the means, with Welch's interval.
    median_difference : float
        Median of the one less that of the other.
    hedges_g : float
        The difference in pooled standard deviations, corrected for small groups; 0 where nothing varies.
    rank_biserial : float
        From -1 to 1: how often a number of the one is above one of the other, less how often it is below.
    """

    mean: float
    other_mean: float
    effect: float
    low: float
    high: float
    median_difference: float
    hedges_g: float
    rank_biserial: float


def rank_biserial(one: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    """Return how often a number of the one group is above one of the other, less how often it is below.

    Parameters
    ----------
    one, other : ndarray of int64, shape (n,) and (m,)
        Their places among all distinct numbers, from 0.

    References
    ----------
    D. S. Kerby, "The simple difference formula", Comprehensive Psychology 3, 2014.

    Examples
    --------
    >>> rank_biserial(np.array([0, 2]), np.array([0, 1]))
    0.25
    """
    counts = np.bincount(other, minlength=int(one.max()) + 1)
    twice = 2 * np.cumsum(counts) - counts  # those below, and half of those that are equal, twice
    return int(twice[one].sum()) / (len(one) * len(other)) - 1


def difference_of_means(
    one: Floats, other: Floats, level: float = 0.95,
    places: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None,
) -> Difference:  # fmt: skip
    """Return how the numbers of two groups differ.

    Parameters
    ----------
    one, other : ndarray of float64, shape (n,) and (m,)
        Two or more each.
    level : float
        Of the interval.
    places : (ndarray of int64, ndarray of int64), optional
        See `rank_biserial`; found by default.

    References
    ----------
    B. L. Welch, Biometrika 34, 1947; L. V. Hedges, "Distribution theory for Glass's estimator of effect
    size", Journal of Educational Statistics 6, 1981.

    Examples
    --------
    >>> found = difference_of_means(np.array([3.0, 4, 5]), np.array([1.0, 2, 3]))
    >>> found.effect, round(found.low, 2), round(found.hedges_g, 2), round(found.rank_biserial, 2)
    (2.0, -0.27, 1.6, 0.89)
    """
    from scipy.stats import t

    one, other = np.sort(one), np.sort(other)  # sums of floats depend on their order; places count pairs
    n, m = len(one), len(other)
    means = float(one.mean()), float(other.mean())
    variances = float(one.var(ddof=1)), float(other.var(ddof=1))
    errors = variances[0] / n, variances[1] / m
    total = errors[0] + errors[1]
    freedom = total**2 / (errors[0] ** 2 / (n - 1) + errors[1] ** 2 / (m - 1)) if total > 0 else 1.0
    reach = float(t.ppf(0.5 + level / 2, freedom)) * total**0.5 if total > 0 else 0.0
    pooled = (((n - 1) * variances[0] + (m - 1) * variances[1]) / (n + m - 2)) ** 0.5
    effect = means[0] - means[1]
    small = 1 - 3 / (4 * (n + m) - 9)
    if places is None:
        numbers = np.unique(np.concatenate((one, other)), return_inverse=True)[1]
        places = numbers[:n], numbers[n:]
    return Difference(
        *means, effect, effect - reach, effect + reach, float(np.median(one) - np.median(other)),
        small * effect / pooled if pooled > 0 else 0.0, rank_biserial(*places),
    )  # fmt: skip
