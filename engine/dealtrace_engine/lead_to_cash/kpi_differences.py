"""Two samples of a KPI: their difference with its interval, and the p-value of no difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.analyses.false_discovery import adjusted_p_values
from dealtrace_engine.analyses.rate_intervals import normal_quantile
from dealtrace_engine.lead_to_cash.kpi_figures import CONFIDENCE, proportions

FEWEST = 5
"""Samples with fewer values are not compared."""
Sample = NDArray[np.float64]


@dataclass(eq=False)
class Difference:
    """How two samples differ; None where they cannot be compared.

    Attributes
    ----------
    before, after, difference, low, high, p : float or None
        The second less the first, with its interval.
    cases_before, cases_after : int
    follow_up_days : float or None
    note : str or None
        Why they cannot.
    """

    before: float | None = None
    after: float | None = None
    cases_before: int = 0
    cases_after: int = 0
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    follow_up_days: float | None = None
    note: str | None = None


def difference(kind: str, before: Sample, after: Sample) -> Difference:
    """Compare two samples: medians, shares of zeros and ones, or means.

    Examples
    --------
    >>> found = difference("rate", np.array([1.0] * 15 + [0] * 85), np.array([1.0] * 30 + [0] * 70))
    >>> [round(x, 4) for x in (found.difference, found.low, found.high, found.p)]
    [0.15, 0.0341, 0.2615, 0.0111]
    """
    before, after = np.sort(before), np.sort(after)  # sums of floats depend on their order
    sizes = len(before), len(after)
    middle = np.median if kind == "median" else np.mean
    values = [float(middle(sample)) if len(sample) else None for sample in (before, after)]
    found = Difference(values[0], values[1], *sizes)
    if min(sizes) < FEWEST or values[0] is None or values[1] is None:
        found.note = f"not enough data: {sizes[0]:,} before, {sizes[1]:,} after"
        return found
    found.difference = values[1] - values[0]
    compare = {"median": _medians, "rate": _shares, "mean": _means}[kind]
    found.low, found.high, found.p = compare(before, after, found.difference)
    return found


def _shares(before: Sample, after: Sample, by: float) -> tuple[float, float, float]:
    from scipy.special import ndtr

    hits = np.array([before.sum(), after.sum()]).astype(np.int64)
    sizes = np.array([len(before), len(after)], dtype=np.int64)
    share, low, high = proportions(hits, sizes)
    pooled = hits.sum() / sizes.sum()
    error = float(np.sqrt(pooled * (1 - pooled) * (1 / sizes).sum()))
    p = 1.0 if error == 0 else 2 * float(ndtr(-abs(by) / error))
    return *_interval(by, share, low, high), p


def _interval(by: float, values: Sample, low: Sample, high: Sample) -> tuple[float, float]:
    """Return the interval of the second value less the first, from that of each.

    References
    ----------
    G. Y. Zou and A. Donner, "Construction of confidence limits about effect measures: a general approach",
    Statistics in Medicine 27(10), 2008; of shares with Wilson's intervals it is Newcombe's method 10.
    """
    down = float(np.hypot(values[1] - low[1], high[0] - values[0]))
    up = float(np.hypot(high[1] - values[1], values[0] - low[0]))
    return by - down, by + up


def _means(before: Sample, after: Sample, by: float) -> tuple[float, float, float]:
    from scipy.special import stdtr, stdtrit

    parts = [float(sample.var(ddof=1)) / len(sample) for sample in (before, after)]
    error = float(np.sqrt(sum(parts)))
    if error == 0:
        return by, by, 1.0 if by == 0 else 0.0
    free = sum(parts) ** 2 / sum(
        part**2 / (len(sample) - 1) for part, sample in zip(parts, (before, after), strict=True)
    )
    half = float(stdtrit(free, 0.5 + CONFIDENCE / 2)) * error
    return by - half, by + half, 2 * float(stdtr(free, -abs(by) / error))


def _medians(before: Sample, after: Sample, by: float) -> tuple[float, float, float]:
    from scipy.stats import mannwhitneyu

    p = float(mannwhitneyu(before, after, method="asymptotic").pvalue)
    middles = np.array([float(np.median(sample)) for sample in (before, after)])
    low, high = np.array([_around_median(sample) for sample in (before, after)]).T
    return *_interval(by, middles, low, high), 1.0 if np.isnan(p) else p


def _around_median(sample: Sample) -> tuple[float, float]:
    """Return the interval of a median: two values of the sample, so that it holds with ties, too.

    References
    ----------
    W. J. Conover, "Practical Nonparametric Statistics", 3rd edition, 1999, section 3.2.
    """
    count = len(sample)
    ordered = np.sort(sample)
    rank = max(round((count + 1 - normal_quantile(CONFIDENCE) * count**0.5) / 2), 1)
    return float(ordered[rank - 1]), float(ordered[count - rank])


def adjusted(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted by the method of Benjamini and Hochberg.

    Examples
    --------
    >>> [round(q, 4) for q in adjusted([0.01, 0.04, 0.03])]
    [0.03, 0.04, 0.04]
    """
    return [float(q) for q in adjusted_p_values(np.asarray(p_values, dtype=np.float64), "bh")]
