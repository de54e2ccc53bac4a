"""What is to be expected of cases like these: rates and means adjusted for the mix of cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.analyses.grouping import groups_of
from dealtrace_engine.analyses.money import Amounts
from dealtrace_engine.log import EventLog

Floats = NDArray[np.float64]
MOST_LEVELS = 30
"""Of an attribute, the most frequent values; the others count as one."""
BANDS = 5
"""Amounts are told apart by so many quantiles of their currency."""
PENALTY = 1.0
"""Of the squared coefficients, so that few cases of a value say little."""
MOST_STEPS = 100


@dataclass(frozen=True, eq=False)
class Mix:
    """Cases of the same kind.

    Attributes
    ----------
    codes : ndarray of int64, shape (cases,)
        The kind of each case.
    design : ndarray of float64, shape (kinds, columns)
        One for the constant, then one column per value of each attribute: 1 where the kind has it.
    """

    codes: NDArray[np.int64]
    design: Floats

    def chosen(self, cases: NDArray[np.int64]) -> Mix:
        """Return the mix of some cases."""
        kinds, codes = _numbered(self.codes[cases], len(self.design))
        return Mix(codes, self.design[kinds])


def mix_of(log: EventLog, names: Sequence[str], amounts: Amounts | None = None) -> Mix:
    """Return which cases are of the same kind.

    Parameters
    ----------
    log : EventLog
    names : sequence of str
        Attributes of the case.
    amounts : Amounts, optional
        Taken as `BANDS` bands of each currency; what is not known is a band of its own.

    Raises
    ------
    SchemaError
        There is no such attribute, or it varies within cases.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1", "2", "3"], "activity": ["a"] * 3, "time": ["2024-01-01"] * 3,
    ...                            "region": ["North", "South", "North"]}))
    >>> mix = mix_of(log, ["region"])
    >>> mix.codes.tolist(), mix.design.tolist()
    ([0, 1, 0], [[1.0, 1.0, 0.0], [1.0, 0.0, 1.0]])
    """
    levels = [_pooled(groups_of(log, name).codes.astype(np.int64)) for name in names]
    if amounts is not None:
        levels.append(_bands(amounts))
    codes, count = np.zeros(log.cases, dtype=np.int64), 1
    for own in levels:
        width = int(own.max(initial=0)) + 1
        found, codes = _numbered(codes * width + own, count * width)
        count = len(found)
    firsts = np.empty(count, dtype=np.int64)
    firsts[codes[::-1]] = np.arange(log.cases)[::-1]
    marks = [(own[firsts][:, None] == np.unique(own)[None, :]).astype(np.float64) for own in levels]
    return Mix(codes, np.hstack([np.ones((len(firsts), 1)), *marks]))


def _numbered(codes: NDArray[np.int64], possible: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which codes below `possible` occur, rising, and the place of each among them."""
    occurs = np.zeros(possible, dtype=np.bool_)
    occurs[codes] = True
    found = np.flatnonzero(occurs)
    places = np.empty(possible, dtype=np.int64)
    places[found] = np.arange(len(found))
    return found, places[codes]


def _pooled(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the codes with those beyond the `MOST_LEVELS` most frequent as one."""
    counts = np.bincount(codes)
    rare = np.lexsort((np.arange(len(counts)), -counts))[MOST_LEVELS:]
    places = np.arange(len(counts))
    places[rare] = len(counts)
    return places[codes]


def _bands(amounts: Amounts) -> NDArray[np.int64]:
    bands = np.full(len(amounts.units), BANDS, dtype=np.int64)
    for currency in range(len(amounts.currencies)):
        chosen = amounts.known & (amounts.of_case == currency)
        if chosen.any():
            ranked = np.sort(amounts.units[chosen])
            cuts = ranked[np.arange(1, BANDS) * len(ranked) // BANDS]
            bands[chosen] = np.searchsorted(cuts, amounts.units[chosen], side="right")
    return bands


def expected_rates(mix: Mix, hits: NDArray[np.bool_]) -> Floats:
    """Return how likely each case is a hit, by what it is like; shape (cases,).

    A logistic regression with a penalty of the squared coefficients but for the constant, so that expected
    and observed hits are the same in sum.

    Parameters
    ----------
    mix : Mix
    hits : ndarray of bool, shape (cases,)

    References
    ----------
    S. le Cessie, J. C. van Houwelingen, "Ridge estimators in logistic regression", Applied Statistics 41(1),
    1992.

    Examples
    --------
    >>> mix = Mix(np.array([0, 0, 1, 1]), np.array([[1.0, 0.0], [1.0, 1.0]]))
    >>> expected_rates(mix, np.array([True, True, True, False])).round(2).tolist()
    [0.79, 0.79, 0.71, 0.71]
    """
    from scipy.linalg import solve
    from scipy.special import expit

    design, kinds = mix.design, len(mix.design)
    n = np.bincount(mix.codes, minlength=kinds).astype(np.float64)
    total = np.bincount(mix.codes, weights=hits, minlength=kinds)
    penalty = np.full(design.shape[1], PENALTY)
    penalty[0] = 1e-9  # none, but for when all or no cases are hits
    beta = np.zeros(design.shape[1])
    for _ in range(MOST_STEPS):
        rates = expit(design @ beta)
        slope = design.T @ (total - n * rates) - penalty * beta
        curvature = (design * (n * rates * (1 - rates))[:, None]).T @ design + np.diag(penalty)
        step = solve(curvature, slope, assume_a="pos")
        beta += step * min(1.0, 4 / max(float(np.abs(step).max()), 1e-300))
        if np.abs(step).max() < 1e-9 or np.abs(beta[0]) > 30:
            break
    found: Floats = expit(design @ beta)[mix.codes]
    return found


def expected_means(mix: Mix, values: Floats) -> Floats:
    """Return what each case's value is by what it is like, by ridge regression; shape (cases,).

    Parameters
    ----------
    mix : Mix
    values : ndarray of float64, shape (cases,)

    References
    ----------
    A. E. Hoerl, R. W. Kennard, "Ridge regression: biased estimation for nonorthogonal problems",
    Technometrics 12(1), 1970.

    Examples
    --------
    >>> mix = Mix(np.array([0, 0, 1, 1]), np.array([[1.0, 0.0], [1.0, 1.0]]))
    >>> expected_means(mix, np.array([1.0, 1.0, 4.0, 4.0])).round(2).tolist()
    [1.75, 1.75, 3.25, 3.25]
    """
    from scipy.linalg import solve

    design, kinds = mix.design, len(mix.design)
    n = np.bincount(mix.codes, minlength=kinds).astype(np.float64)
    total = np.bincount(mix.codes, weights=values, minlength=kinds)
    penalty = np.full(design.shape[1], PENALTY)
    penalty[0] = 0
    beta = solve((design * n[:, None]).T @ design + np.diag(penalty), design.T @ total, assume_a="sym")
    found: Floats = (design @ beta)[mix.codes]
    return found
