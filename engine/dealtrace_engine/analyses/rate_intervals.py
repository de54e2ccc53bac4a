"""Intervals and tests of rates and of their differences; all take arrays, and nothing known gives NaN."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from dealtrace_engine.analyses.false_discovery import adjusted_p_values
from dealtrace_engine.errors import ArgumentError

Floats = NDArray[np.float64]


def normal_quantile(confidence: float) -> float:
    """Return how many standard deviations an interval of a normal distribution reaches to either side.

    Raises
    ------
    ArgumentError
        The confidence is not above 0 and below 1.

    Examples
    --------
    >>> round(normal_quantile(0.95), 4)
    1.96
    """
    from scipy.special import ndtri

    if not isinstance(confidence, int | float) or not 0 < confidence < 1:
        raise ArgumentError(f"a confidence is above 0 and below 1, got {confidence!r}", hint="0.95 is usual")
    return float(ndtri(0.5 + confidence / 2))


def wilson(hits: ArrayLike, of: ArrayLike, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Return the score interval of a rate; NaN where there is nothing to have a rate of.

    Parameters
    ----------
    hits, of : array_like of int, shape (n,)
    confidence : float

    References
    ----------
    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the
    American Statistical Association 22(158), 1927.

    Examples
    --------
    >>> low, high = wilson([8], [10])
    >>> low.round(4).tolist(), high.round(4).tolist()
    ([0.4902], [0.9433])
    """
    z = normal_quantile(confidence)
    n = np.asarray(of, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = np.asarray(hits, dtype=np.float64) / n
        middle = (rate + z * z / (2 * n)) / (1 + z * z / n)
        reach = z / (1 + z * z / n) * np.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    low, high = np.clip(middle - reach, 0, rate), np.clip(middle + reach, rate, 1)
    return low, high


def difference(
    hits: ArrayLike, of: ArrayLike, other_hits: ArrayLike, other_of: ArrayLike, confidence: float = 0.95
) -> tuple[Floats, Floats, Floats]:
    """Return the difference of two independent rates with its score interval.

    Parameters
    ----------
    hits, of, other_hits, other_of : array_like of int, shape (n,)
    confidence : float

    References
    ----------
    R. G. Newcombe, "Interval estimation for the difference between independent proportions: comparison of
    eleven methods", Statistics in Medicine 17, 1998: method 10.

    Examples
    --------
    >>> [part.round(4).tolist() for part in difference([56], [70], [48], [80])]
    [[0.2], [0.0524], [0.3339]]
    """
    a, n, b, m = (np.asarray(each, dtype=np.float64) for each in (hits, of, other_hits, other_of))
    low, high = wilson(a, n, confidence)
    other_low, other_high = wilson(b, m, confidence)
    with np.errstate(invalid="ignore", divide="ignore"):
        p, q = a / n, b / m
        below = np.sqrt((p - low) ** 2 + (other_high - q) ** 2)
        above = np.sqrt((high - p) ** 2 + (q - other_low) ** 2)
    return p - q, p - q - below, p - q + above


def odds_ratio(hits: ArrayLike, of: ArrayLike, other_hits: ArrayLike, other_of: ArrayLike) -> Floats:
    """Return the odds of the one rate by those of the other, with one half added to each count.

    References
    ----------
    J. B. S. Haldane, "The estimation and significance of the logarithm of a ratio of frequencies", Annals of
    Human Genetics 20, 1956.

    Examples
    --------
    >>> odds_ratio([8], [10], [2], [10]).round(2).tolist()
    [11.56]
    """
    a, n, b, m = (np.asarray(each, dtype=np.float64) for each in (hits, of, other_hits, other_of))
    ratio: Floats = (a + 0.5) * (m - b + 0.5) / ((n - a + 0.5) * (b + 0.5))
    return ratio


def p_values(hits: ArrayLike, of: ArrayLike, other_hits: ArrayLike, other_of: ArrayLike) -> Floats:
    """Return two-sided p-values for that two rates are the same; NaN where there is nothing to compare.

    Pearson's chi-squared, and Fisher's exact test where a count of less than 5 is expected.

    Examples
    --------
    >>> p_values([30, 3], [100, 4], [50, 1], [100, 4]).round(4).tolist()
    [0.0039, 0.4857]
    """
    from scipy.special import chdtrc

    cells = np.broadcast_arrays(hits, of, other_hits, other_of)
    a, n, b, m = (np.atleast_1d(each.astype(np.float64)) for each in cells)
    with np.errstate(invalid="ignore", divide="ignore"):
        both = (a + b) / (n + m)
        statistic = (a / n - b / m) ** 2 / (both * (1 - both) * (1 / n + 1 / m))
        found: Floats = chdtrc(1, statistic)
        fewest = np.minimum(both, 1 - both) * np.minimum(n, m)
    for i in np.flatnonzero(fewest < 5):
        found[i] = _exact(*(int(each[i]) for each in (a, n, b, m)))
    return found


def _exact(a: int, n: int, b: int, m: int) -> float:
    from scipy.stats import fisher_exact

    if n == 0 or m == 0:
        return float("nan")
    found: Any = fisher_exact(np.array([[a, n - a], [b, m - b]]))
    return float(found.pvalue)


def q_values(values: Floats) -> Floats:
    """Return p-values controlled for the false discovery rate; NaN stays so and counts for nothing.

    References
    ----------
    Y. Benjamini and Y. Hochberg, "Controlling the false discovery rate", Journal of the Royal Statistical
    Society B 57(1), 1995.

    Examples
    --------
    >>> q_values(np.array([0.01, np.nan, 0.04])).tolist()
    [0.02, nan, 0.04]
    """
    found, known = np.full(len(values), np.nan), ~np.isnan(values)
    if known.any():
        found[known] = adjusted_p_values(values[known], "bh")
    return found


def null_for_nan(values: Floats) -> pa.DoubleArray:
    """Return figures for a table: what is not known is null.

    Examples
    --------
    >>> null_for_nan(np.array([0.5, np.nan])).to_pylist()
    [0.5, None]
    """
    present = np.packbits(~np.isnan(values), bitorder="little")
    plain = np.ascontiguousarray(values, dtype=np.float64)
    buffers = [pa.py_buffer(present), pa.py_buffer(plain)]
    return pa.Array.from_buffers(pa.float64(), len(plain), buffers)
