"""Kaplan-Meier and Aalen-Johansen estimates from times that are partly censored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.errors import ArgumentError

Floats = NDArray[np.float64]
SLACK = 1e-12
"""What products of shares may be off a share by, so that a half is a half."""


@dataclass(frozen=True, eq=False)
class Curve:
    """How many are still on their way, and how many ended by which cause, after each time at which one ended.

    Attributes
    ----------
    cases : int
    times : ndarray of int64, shape (k,)
        Microseconds, rising.
    at_risk : ndarray of int64, shape (k,)
        Cases that have neither ended nor been censored before.
    events : ndarray of int64, shape (k, causes)
        Cases that ended then.
    survival, low, high : ndarray of float64, shape (k,)
        Share that has not ended, by Kaplan-Meier, and its confidence limits, NaN where nobody is left.
    incidence, incidence_low, incidence_high : ndarray of float64, shape (k, causes)
        Share that has ended by each cause, by Aalen-Johansen, and its confidence limits, NaN where it is 0
        or 1.
    """

    cases: int
    times: NDArray[np.int64]
    at_risk: NDArray[np.int64]
    events: NDArray[np.int64]
    survival: Floats
    low: Floats
    high: Floats
    incidence: Floats
    incidence_low: Floats
    incidence_high: Floats

    def reached(self, share: float) -> tuple[int | None, int | None, int | None]:
        """Return after which time so large a share has ended, and the confidence limits of that time.

        Each is None where it is not reached: the first where too few ended, a limit where it is not known.
        """
        left = 1 - share + SLACK
        found = [np.flatnonzero(curve <= left)[:1] for curve in (self.survival, self.low, self.high)]
        median, low, high = (int(self.times[own[0]]) if len(own) else None for own in found)
        return median, low, high

    def survival_at(self, ages: NDArray[np.int64]) -> Floats:
        """Return the share that has not ended after ages in microseconds, shape (n,)."""
        steps = np.concatenate([[1.0], self.survival])
        found: Floats = steps[np.searchsorted(self.times, ages, side="right")]
        return found


def curve_of(
    durations: NDArray[np.int64], causes: NDArray[np.integer], count: int = 1, confidence: float = 0.95
) -> Curve:
    """Return the curves of cases, some of which are censored.

    Parameters
    ----------
    durations : ndarray of int64, shape (cases,)
        Microseconds until a case ended or was last seen.
    causes : ndarray of int, shape (cases,)
        What ended it, from 0 to `count` - 1; -1 where it is censored. One that is censored when another ends
        was still at risk then.
    count : int
        How many causes there are.
    confidence : float
        Between 0 and 1.

    References
    ----------
    E. L. Kaplan and P. Meier, "Nonparametric estimation from incomplete observations", JASA 53, 1958.
    M. Greenwood, "The natural duration of cancer", 1926, for the variance of survival.
    O. O. Aalen and S. Johansen, "An empirical transition matrix for non-homogeneous Markov chains based on
    censored observations", Scandinavian Journal of Statistics 5, 1978.
    E. Marubini and M. G. Valsecchi, "Analysing survival data from clinical trials and observational studies",
    1995, p. 341, for the variance of incidence.
    J. D. Kalbfleisch and R. L. Prentice, "The statistical analysis of failure time data", 1980, for limits on
    the scale of log(-log).

    Examples
    --------
    >>> curve = curve_of(np.array([1, 2, 2, 3]), np.array([0, 0, -1, -1]))
    >>> curve.survival.tolist(), curve.at_risk.tolist(), curve.reached(0.5)
    ([0.75, 0.5], [4, 3], (2, 1, None))
    """
    if not isinstance(confidence, int | float) or not 0 < confidence < 1:
        raise ArgumentError(f"the confidence is between 0 and 1, got {confidence!r}", hint="such as 0.95")
    ended = causes >= 0
    times, place = np.unique(durations[ended], return_inverse=True)
    keys = place.astype(np.int64) * count + causes[ended]
    events = np.bincount(keys, minlength=len(times) * count).reshape(len(times), count)
    at_risk = len(durations) - np.searchsorted(np.sort(durations), times, side="left")
    ends = events.sum(axis=1)
    survival = np.cumprod(1 - ends / at_risk)
    with np.errstate(divide="ignore"):
        terms = np.where(at_risk == ends, 0, ends / (at_risk * (at_risk - ends).astype(np.float64)))
    error = np.where(survival > 0, survival * np.sqrt(np.cumsum(terms)), np.nan)
    before = np.concatenate([[1.0], survival])[: len(times)]
    incidence = np.cumsum(before[:, None] * events / at_risk[:, None], axis=0)
    variance = _variance(incidence, before, events, at_risk, terms)
    low, high = _limits(survival, error, confidence)
    incidence_low, incidence_high = _limits(incidence, np.sqrt(variance), confidence)
    return Curve(len(durations), times, at_risk, events, survival, low, high, incidence, incidence_low,
                 incidence_high)  # fmt: skip


def _variance(
    incidence: Floats, before: Floats, events: NDArray[np.int64], at_risk: NDArray[np.int64], terms: Floats
) -> Floats:
    """Variance of the incidence; sums over all times until one, of squares that are taken apart."""
    risk, own, survived = at_risk[:, None].astype(np.float64), terms[:, None], before[:, None]
    shared = survived * events / risk**2
    variance = (
        incidence**2 * np.cumsum(own, axis=0)
        - 2 * incidence * np.cumsum(own * incidence, axis=0)
        + np.cumsum(own * incidence**2, axis=0)
        + np.cumsum(survived**2 * events * (risk - events) / risk**3, axis=0)
        - 2 * incidence * np.cumsum(shared, axis=0)
        + 2 * np.cumsum(shared * incidence, axis=0)
    )
    return np.maximum(variance, 0.0)


def _limits(share: Floats, error: Floats, confidence: float) -> tuple[Floats, Floats]:
    from scipy.special import ndtri  # late: 100 ms

    inner = (share > 0) & (share < 1)
    known = np.where(inner, share, 0.5)
    width = float(ndtri(0.5 + confidence / 2)) * error / (known * np.log(known))
    with np.errstate(over="ignore"):  # a limit of 0 or 1, where next to nothing is known
        limits = [np.where(inner, known ** np.exp(sign * width), np.nan) for sign in (-1, 1)]
    return limits[0], limits[1]
