"""Reps compared by one metric: observed and expected, and what is left of it beyond chance."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.analyses.case_mix import Mix, expected_means, expected_rates
from dealtrace_engine.analyses.grouping import Groups
from dealtrace_engine.analyses.rep_metrics import Metric
from dealtrace_engine.analyses.shrinkage import shrunk

FIGURES = ("observed", "expected", "difference", "average", "adjusted", "low", "high", "gap_to_top")
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
    mix = setting.mix.chosen(cases)
    rate = metric.kind == "rate"
    expected = expected_rates(mix, values > 0) if rate else expected_means(mix, values)
    freedom = max(len(cases) - mix.design.shape[1], 1)
    noise = (
        expected * (1 - expected) if rate else np.full(len(cases), ((values - expected) ** 2).sum() / freedom)
    )
    sums = [
        np.bincount(codes, weights=each, minlength=len(deals))[shown] for each in (values, expected, noise)
    ]
    observed, likely, variance = (total / deals[shown] for total in sums)
    variance = np.maximum(variance / deals[shown], 1e-18)
    drawn = shrunk(observed - likely, variance, setting.confidence)
    average = float(values.mean())
    low, high = (average + each for each in (drawn.low, drawn.high))
    adjusted = average + drawn.effects
    if rate:
        adjusted, low, high = (np.clip(each, 0, 1) for each in (adjusted, low, high))
    sign = 1 if metric.better == "lower" else -1
    figures = (observed, likely, observed - likely, np.full(len(shown), average), adjusted, low, high,
               0.0 - sign * _gaps(sign * adjusted))  # fmt: skip
    for row, effect, *own in zip(rows, drawn.effects, *figures, strict=True):
        row |= {name: float(figure) for name, figure in zip(FIGURES, own, strict=True)}
        above, below = row["low"] > average, row["high"] < average
        row |= {"stands_out": "above" if above else "below" if below else None, "key": sign * float(effect)}
    rows.sort(key=lambda row: (row["key"], row["rep"]))
    return [{**row, "rank": place} for place, row in enumerate(rows, 1)], hidden


def _gaps(badness: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much worse each is than the mean of the best quarter, at least nothing."""
    best = np.sort(badness)[: max(1, len(badness) // 4)].mean()
    gaps: NDArray[np.float64] = np.maximum(badness - best, 0)
    return gaps
