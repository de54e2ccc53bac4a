"""The figures of a KPI in each cell, with their intervals."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.analyses.median_ranks import median_ranks
from dealtrace_engine.analyses.rate_intervals import wilson
from dealtrace_engine.lead_to_cash.kpi_cells import Cells
from dealtrace_engine.lead_to_cash.kpi_facts import DAY
from dealtrace_engine.lead_to_cash.kpi_observed import SCALE, Observed, counted
from dealtrace_engine.lead_to_cash.kpi_registry import Kpi

CONFIDENCE = 0.95
REVERSED = "has the end before the start and no time", "have the end before the start and no time"
Column = NDArray[np.float64]
"""A figure per cell, NaN where there is none."""


@dataclass(eq=False)
class Figures:
    """What a KPI is in each cell.

    Attributes
    ----------
    value, low, high : ndarray of float64, shape (cells,)
        In the unit of the KPI; NaN where there is none.
    cases, numerator, open : ndarray of int64, shape (cells,)
        Objects, those that got there, and those that still could.
    notes : list of list of str, shape (cells,)
    """

    value: Column
    low: Column
    high: Column
    cases: NDArray[np.int64]
    numerator: NDArray[np.int64]
    open: NDArray[np.int64]
    notes: list[list[str]] = field(default_factory=list)


def figures_of(found: Observed, kpi: Kpi, cells: Cells, given: list[float | None] | None = None) -> Figures:
    """Return the figures of a KPI in each cell.

    Parameters
    ----------
    found : Observed
    kpi : Kpi
    cells : Cells
    given : list of float or None, optional
        The values of a KPI that is a formula.
    """
    cases, done = cells.counts(found.cases), cells.counts(found.cases[found.done])
    still, turned = cells.counts(found.cases[found.open]), cells.counts(found.cases[found.reversed])
    if given is not None:
        value = np.array([np.nan if v is None else v for v in given], dtype=np.float64)
        low = high = np.full(cells.count, np.nan)
    elif kpi.kind == "rate":
        value, low, high = proportions(done, cases)
    elif kpi.kind == "sum":
        sums = cells.sums(found.values[found.done], found.cases[found.done])
        value = np.array([total / SCALE for total in sums])
        low = high = np.full(cells.count, np.nan)
    else:
        rows = cells.of_case[found.cases]
        told = found.done & (rows >= 0)
        summed = _medians if kpi.kind == "median" else _means
        value, low, high = summed(found.values[told], rows[told], cells.count)
        high = np.minimum(high, 100) if kpi.unit == "percent" else high
    value = np.where(cases == 0, np.nan, value)
    figures = Figures(value, low, high, cases, done, still)
    figures.notes = [
        _notes(kpi, found, of, came, back, bool(np.isnan(v)))
        for of, came, back, v in zip(cases.tolist(), done.tolist(), turned.tolist(), value, strict=True)
    ]
    for left_out, why in found.left_out:
        for notes, count in zip(figures.notes, cells.counts(left_out).tolist(), strict=True):
            if count:
                notes.append(counted(count, why))
    return figures


def _notes(kpi: Kpi, found: Observed, cases: int, done: int, turned: int, nothing: bool) -> list[str]:
    notes = []
    if nothing and cases == 0:
        notes.append("not enough data: there is none")
    elif nothing:
        notes.append(f"not enough data: {found.untold or f'{done:,} of {cases:,} got there'}")
    elif kpi.kind == "median" and done < 6:
        notes.append("not enough data for an interval")
    if turned:
        notes.append(counted(turned, REVERSED))
    return [*notes, *found.notes]


def proportions(
    successes: NDArray[np.int64], trials: NDArray[np.int64], confidence: float = CONFIDENCE
) -> tuple[Column, Column, Column]:
    """Return shares with Wilson's score interval; NaN of nothing.

    References
    ----------
    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the
    American Statistical Association 22(158), 1927.

    Examples
    --------
    >>> [round(float(x[0]), 4) for x in proportions(np.array([8]), np.array([10]))]
    [0.8, 0.4902, 0.9433]
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        share = successes / trials.astype(np.float64)
    return share, *wilson(successes, trials, confidence)


def _medians(values: NDArray[np.int64], rows: NDArray[np.int64], count: int) -> tuple[Column, Column, Column]:
    """Return medians of times in days with their intervals."""
    ordered = _ordered(values, rows)
    sizes = np.bincount(rows, minlength=count).astype(np.int64)
    begins = np.cumsum(sizes) - sizes
    full = sizes > 0
    low, high, value = (np.full(count, np.nan) for _ in range(3))
    middle = begins[full] + (sizes[full] - 1) // 2, begins[full] + sizes[full] // 2
    value[full] = (ordered[middle[0]] + ordered[middle[1]]) / 2 / DAY
    ranks = median_ranks(sizes)
    told = ranks > 0
    low[told] = ordered[begins[told] + ranks[told] - 1] / DAY
    high[told] = ordered[begins[told] + sizes[told] - ranks[told]] / DAY
    return value, low, high


def _ordered(values: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return times row after row, each row's rising: by one sort of one key, where that fits 63 bits."""
    width = int(values.max(initial=0)) + 1
    if (int(rows.max(initial=0)) + 1) * width >= 2**63:
        return values[np.lexsort((values, rows))]
    return np.sort(rows * width + values) % width


def _means(values: NDArray[np.int64], rows: NDArray[np.int64], count: int) -> tuple[Column, Column, Column]:
    """Return means of counts or percentages with Student's interval, cut at 0."""
    from scipy.special import stdtrit

    values, rows = _ordered(values, rows), np.sort(rows)  # sums of floats depend on their order
    sizes = np.bincount(rows, minlength=count).astype(np.int64)
    sums = np.zeros(count, dtype=np.int64)
    np.add.at(sums, rows, values)  # exact: counts and percents in 1/10,000 stay far below 2**63
    with np.errstate(invalid="ignore", divide="ignore"):
        value = sums / sizes / SCALE
        spread = np.bincount(rows, weights=(values / SCALE - value[rows]) ** 2, minlength=count)
        error = np.sqrt(spread / np.maximum(sizes - 1, 1) / sizes)
        half = stdtrit(np.maximum(sizes - 1, 1), 0.5 + CONFIDENCE / 2) * error
    half = np.where(sizes > 1, half, np.nan)
    return value, np.maximum(value - half, 0), value + half
