"""Associations with control for other things: strata, and regressions with levels of their values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.analyses.rate_intervals import normal_quantile

RIDGE = 1e-3
"""Keeps levels finite in which all have the same answer; the exposure is not held back."""
STEPS = 50
RARE = 10
"""Levels with fewer cases are put together."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """An estimate with its interval.

    Attributes
    ----------
    value, low, high : float
    p_value : float
    cases : int
        Cases that told something.
    groups : int
        Strata that did, or levels that were controlled for.
    """

    value: float
    low: float
    high: float
    p_value: float
    cases: int
    groups: int


def mantel_haenszel(
    exposed: NDArray[np.bool_], hits: NDArray[np.bool_], strata: NDArray[np.integer], level: float = 0.95
) -> Estimate | None:
    """Return the odds ratio that strata have in common; None where no stratum has both sides of both.

    Parameters
    ----------
    exposed, hits : ndarray of bool, shape (n,)
    strata : ndarray of int, shape (n,)
        From 0.
    level : float
        Of the interval.

    References
    ----------
    N. Mantel and W. Haenszel, JNCI 22, 1959; variance: J. Robins, N. Breslow and S. Greenland, Biometrics 42,
    1986; p-value: the Cochran-Mantel-Haenszel chi-squared, with continuity correction.

    Examples
    --------
    >>> exposed = np.repeat([True, True, False, False], [10, 10, 5, 15])
    >>> hits = np.repeat([True, False, True, False], [10, 10, 5, 15])
    >>> round(mantel_haenszel(exposed, hits, np.zeros(40, dtype=np.int64)).value, 6)
    3.0
    """
    from scipy.stats import chi2

    count = int(strata.max(initial=-1)) + 1
    cells = [
        np.bincount(strata[mask], minlength=count).astype(np.float64)
        for mask in (exposed & hits, exposed & ~hits, ~exposed & hits, ~exposed & ~hits)
    ]
    total = sum(cells, np.zeros(count))
    a, b, c, d = cells
    telling = ((a + b) * (c + d) * (a + c) * (b + d)) > 0
    a, b, c, d, n = (x[telling] for x in (a, b, c, d, total))
    r, s = a * d / n, b * c / n
    if r.sum() <= 0 or s.sum() <= 0:
        return None
    p, q = (a + d) / n, (b + c) / n
    variance = (
        (p * r).sum() / (2 * r.sum() ** 2)
        + (p * s + q * r).sum() / (2 * r.sum() * s.sum())
        + (q * s).sum() / (2 * s.sum() ** 2)
    )
    ratio, reach = r.sum() / s.sum(), normal_quantile(level) * variance**0.5
    expected, spread = (
        (a + b) * (a + c) / n,
        (a + b) * (c + d) * (a + c) * (b + d) / (n**2 * np.maximum(n - 1, 1)),
    )
    off = max(abs(a.sum() - expected.sum()) - 0.5, 0)
    return Estimate(
        float(ratio), float(ratio * np.exp(-reach)), float(ratio * np.exp(reach)),
        float(chi2.sf(off**2 / spread.sum(), 1)), int(n.sum()), int(telling.sum()),
    )  # fmt: skip


def logistic(
    exposure: Floats, hits: NDArray[np.bool_], controls: Sequence[NDArray[np.integer]], level: float = 0.95
) -> Estimate | None:
    """Return the odds ratio per unit of exposure, with a level for each value of each control.

    Maximum likelihood by Newton's method, with a weak ridge on the levels. None where it does not settle.

    Parameters
    ----------
    exposure : ndarray of float64, shape (n,)
    hits : ndarray of bool, shape (n,)
    controls : sequence of ndarray of int, shape (n,)
        Values as codes.
    level : float
        Of the interval.

    References
    ----------
    D. R. Cox, "The regression analysis of binary sequences", JRSS B 20, 1958; the interval is Wald's.

    Examples
    --------
    >>> exposure = np.repeat([1.0, 0.0], 20)
    >>> hits = np.repeat([True, False, True, False], [10, 10, 5, 15])
    >>> round(logistic(exposure, hits, []).value, 4)
    3.0
    """
    design, ridge = _design(exposure, controls)
    y = hits.astype(np.float64)
    weights = np.zeros(design.shape[1])
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-np.clip(design @ weights, -30, 30)))
        slope = design.T @ (y - chance) - ridge * weights
        curve = _weighted_square(design, chance * (1 - chance)) + np.diag(ridge)
        step = _solved(curve, slope)
        if step is None:
            return None
        weights = weights + step * min(1.0, 5 / max(float(np.abs(step).max()), 1e-300))
        if np.abs(step).max() < 1e-9:
            inverse = _solved(curve, np.eye(len(weights)))
            return None if inverse is None else _wald(weights, inverse[0, 0], len(y), len(weights) - 2, level)
    return None


def log_linear(
    exposure: Floats, values: Floats, controls: Sequence[NDArray[np.integer]], level: float = 0.95
) -> Estimate | None:
    """Return by what factor positive numbers change per unit of exposure; None where that is unknown.

    Least squares on logarithms; the interval holds also where their spread differs (HC1).

    Parameters
    ----------
    exposure, values : ndarray of float64, shape (n,)
    controls : sequence of ndarray of int, shape (n,)
        Values as codes.
    level : float
        Of the interval.

    References
    ----------
    H. White, "A heteroskedasticity-consistent covariance matrix estimator", Econometrica 48, 1980.

    Examples
    --------
    >>> exposure = np.array([0.0, 0, 1, 1])
    >>> round(log_linear(exposure, np.array([1.0, 4, 2, 8]), []).value, 4)
    2.0
    """
    design, ridge = _design(exposure, controls)
    n, width = design.shape
    if n <= width:
        return None
    y = np.log(values)
    inverse = _solved(_weighted_square(design, np.ones(n)) + np.diag(ridge * 1e-6), np.eye(width))
    if inverse is None:
        return None
    weights = inverse @ (design.T @ y)
    rest = y - design @ weights
    spread = inverse @ _weighted_square(design, rest**2) @ inverse * n / (n - width)
    return _wald(weights, spread[0, 0], n, width - 2, level)


def _wald(weights: Floats, variance: float, n: int, groups: int, level: float) -> Estimate | None:
    from scipy.special import ndtr

    if not variance > 0:
        return None
    error = float(variance) ** 0.5
    reach, p = normal_quantile(level) * error, 2 * ndtr(-abs(weights[0]) / error)
    value, low, high = (float(np.exp(np.clip(weights[0] + by, -700, 700))) for by in (0, -reach, reach))
    return Estimate(value, low, high, float(p), n, max(groups, 0))


def _design(exposure: Floats, controls: Sequence[NDArray[np.integer]]) -> tuple[Any, Floats]:
    """Return exposure, constant and levels as a sparse matrix, and the ridge of each column.

    The most frequent level of each control is what the others are told against.
    """
    from scipy.sparse import csr_array, hstack

    n = len(exposure)
    columns = [csr_array(np.stack((exposure, np.ones(n)), axis=1))]
    for codes in controls:
        _, numbers, sizes = np.unique(codes, return_inverse=True, return_counts=True)
        rare = sizes < RARE
        numbers = np.where(rare[numbers], len(sizes), numbers)
        present, numbers, sizes = np.unique(numbers, return_inverse=True, return_counts=True)
        first = int(sizes.argmax())
        places = np.where(numbers > first, numbers - 1, numbers)
        rows = np.flatnonzero(numbers != first)
        cells = (np.ones(len(rows)), (rows, places[rows]))
        columns.append(csr_array(cells, shape=(n, len(present) - 1)))
    design = hstack([column for column in columns if column.shape[1]], format="csr")
    ridge = np.full(design.shape[1], RIDGE)
    ridge[:2] = 0
    return design, ridge


def _weighted_square(design: Any, weights: Floats) -> Floats:
    return np.asarray((design.T @ design.multiply(weights[:, None]).tocsr()).toarray())


def _solved(matrix: Floats, right: Floats) -> Floats | None:
    try:
        found: Floats = np.asarray(np.linalg.solve(matrix, right), dtype=np.float64)
    except np.linalg.LinAlgError:
        return None
    return found if np.isfinite(found).all() else None
