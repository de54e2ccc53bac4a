"""Reps compared by one metric: observed and expected, and what is left of it beyond chance."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.analyses.case_mix import Mix, expected_means, expected_rates
from dealtrace_engine.analyses.false_discovery import adjusted_p_values
from dealtrace_engine.analyses.grouping import Groups
from dealtrace_engine.analyses.rate_intervals import normal_quantile
from dealtrace_engine.analyses.rep_metrics import Metric
from dealtrace_engine.analyses.shrinkage import shrunk

Floats = NDArray[np.float64]
FIGURES = (
    "observed", "expected", "difference", "difference_low", "difference_high", "q", "average", "adjusted",
    "low", "high", "gap_to_top",
)  # fmt: skip
TOO_FEW = "not enough data: fewer than 2 reps with enough deals"
ALL_ALIKE = "not enough data: all deals have the same figure"


class Setting(NamedTuple):
    """What all metrics share.

    Attributes
    ----------
    reps : Groups
        The rep of each case.
    labels : list of str
        What each rep is called.
    shown : ndarray of bool, shape (reps,)
        Those that may be compared: all but that of cases without one.
    groups : Groups
        Reps are compared within each.
    mix : Mix
        What cases are like.
    smallest : int
        Deals that a rep has at least.
    confidence : float
    """

    reps: Groups
    labels: list[str]
    shown: NDArray[np.bool_]
    groups: Groups
    mix: Mix
    smallest: int
    confidence: float


def compared(metric: Metric, cases: NDArray[np.int64], setting: Setting) -> tuple[list[dict[str, Any]], int]:
    """Compare reps by one metric.

    Parameters
    ----------
    metric : Metric
    cases : ndarray of int64
        Those that count.
    setting : Setting

    Returns
    -------
    rows : list of dict
        Of the reps with enough deals, the best first.
    hidden : int
        How many reps have too few.
    """
    from scipy.special import ndtr

    codes, values = setting.reps.codes[cases], metric.values[cases]
    deals = np.bincount(codes, minlength=len(setting.reps))
    shown = np.flatnonzero(deals >= setting.smallest)
    hidden = int((deals > 0).sum()) - len(shown)
    alike = len(cases) == 0 or bool((values == values[0]).all())
    note = TOO_FEW if len(shown) < 2 else ALL_ALIKE if alike else None
    plain = {"metric": metric.name, "unit": metric.unit, "note": note}
    rows = [
        {**plain, "code": int(code), "rep": setting.labels[code], "deals": int(deals[code])} for code in shown
    ]
    if note is not None:
        return sorted(rows, key=lambda row: (-row["deals"], row["rep"])), hidden
    observed, likely, variance = _measured(metric, cases, shown, setting)
    average, difference = float(values.mean()), observed - likely
    drawn = shrunk(difference, variance, setting.confidence)
    reach = normal_quantile(setting.confidence) * np.sqrt(variance)
    own_low, own_high = difference - reach, difference + reach
    adjusted, low, high = (average + each for each in (drawn.effects, drawn.low, drawn.high))
    if metric.kind == "rate":
        adjusted, low, high = (np.clip(each, 0, 1) for each in (adjusted, low, high))
        own_low, own_high = (np.clip(each, -likely, 1 - likely) for each in (own_low, own_high))
    q = adjusted_p_values(2 * ndtr(-np.abs(difference) / np.sqrt(variance)), "bh")
    sign = 1 if metric.better == "lower" else -1
    figures = (observed, likely, difference, own_low, own_high, q, np.full(len(shown), average), adjusted,
               low, high, 0.0 - sign * _gaps(sign * adjusted))  # fmt: skip
    for row, effect, *own in zip(rows, drawn.effects, *figures, strict=True):
        row |= {name: float(figure) for name, figure in zip(FIGURES, own, strict=True)}
        side = "above" if row["difference"] > 0 else "below"
        stands_out = side if row["q"] <= 1 - setting.confidence else None
        row |= {"stands_out": stands_out, "key": sign * float(effect)}
    rows.sort(key=lambda row: (row["key"], row["rep"]))
    return [{**row, "rank": place} for place, row in enumerate(rows, 1)], hidden


def _measured(
    metric: Metric, cases: NDArray[np.int64], shown: NDArray[np.int64], setting: Setting
) -> tuple[Floats, Floats, Floats]:  # fmt: skip
    """Return the mean of each rep shown, that of deals like these, and the variance of their difference.

    The variance is that of deals like these at large, or the rep's own where it is larger: that of a rate by
    Agresti and Coull's share.
    """
    codes, values = setting.reps.codes[cases], metric.values[cases]
    mix = setting.mix.chosen(cases)
    n = np.bincount(codes, minlength=len(setting.reps))[shown]

    def total(of_cases: Floats) -> Floats:
        totals = np.bincount(codes, weights=of_cases, minlength=len(setting.reps))
        return np.asarray(totals[shown], dtype=np.float64)

    if metric.kind == "rate":
        expected = expected_rates(mix, values > 0)
        noise, extra = expected * (1 - expected), normal_quantile(setting.confidence) ** 2
        share = (total(values) + extra / 2) / (n + extra)
        own = share * (1 - share)
    else:
        expected = expected_means(mix, values)
        rest = values - expected
        noise = np.full(len(cases), (rest**2).sum() / max(len(cases) - mix.design.shape[1], 1))
        own = (total(rest**2) - total(rest) ** 2 / n) / (n - 1)
    variance = np.maximum(total(noise) / n, own) / n
    return total(values) / n, total(expected) / n, np.maximum(variance, 1e-18)


def _gaps(badness: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much worse each is than the mean of the best quarter, at least nothing."""
    best = np.sort(badness)[: max(1, len(badness) // 4)].mean()
    gaps: NDArray[np.float64] = np.maximum(badness - best, 0)
    return gaps
