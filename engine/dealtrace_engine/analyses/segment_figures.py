"""The figures of a segment, group by group: counts, times and money, from exact sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.analyses.money import UNITS, Amounts
from dealtrace_engine.analyses.segment_pairs import (
    ABSENT,
    ARRIVED,
    LIMB,
    MISSED,
    REVERSED,
    Measured,
    SegmentPairs,
    group_sums,
)
from dealtrace_engine.analyses.throughput import grouped
from dealtrace_engine.percentiles import MICROSECONDS, interpolated, percentile_name, values_at, wanted_ranks

MOST = 1 << 20
DAY = 86_400_000_000


@dataclass(frozen=True, eq=False)
class Cells:
    """The groups that figures are told for.

    Attributes
    ----------
    codes : ndarray of int32, shape (cases,)
    count : int
    """

    codes: NDArray[np.int32]
    count: int


def figures_of(
    pairs: SegmentPairs, found: Measured, cells: Cells, percentiles: Sequence[float],
    amounts: Amounts | None = None,
) -> tuple[NDArray[np.int64], dict[str, NDArray[np.int64] | NDArray[np.float64]]]:  # fmt: skip
    """Return the cells that have the source, most first, and their columns; see `Segments`.

    Examples
    --------
    >>> pairs = SegmentPairs(np.array([0, 0]), np.array([2_000_000, 4_000_000]))
    >>> rows, columns = figures_of(pairs, pairs.measured(), Cells(np.zeros(2, np.int32), 1), [50])
    >>> columns["p50_s"].tolist(), columns["sum_s"].tolist()
    ([3.0], [6.0])
    """
    codes = None if cells.count == 1 else pairs.of_cases(cells.codes)
    if codes is None:
        counts = found.counts[None, :]
        durations, offsets, totals = found.durations, np.array([0, len(found.durations)]), [found.total]
    else:
        keys = codes.astype(np.int64) * 4 + found.status
        counts = np.bincount(keys, minlength=4 * cells.count).reshape(-1, 4)
        arrived = codes[found.status == ARRIVED]
        durations, offsets = grouped(found.durations, arrived, cells.count)
        totals = group_sums(durations, offsets)
    starts = counts.sum(axis=1) - counts[:, ABSENT]
    rows = np.lexsort((np.arange(cells.count), -starts))
    rows = rows[starts[rows] > 0] if cells.count > 1 else rows
    columns: dict[str, NDArray[np.int64] | NDArray[np.float64]] = {
        "cases": _cases(pairs, found, cells, starts),
        "starts": starts,
        "reached": counts[:, ARRIVED],
        "never": counts[:, MISSED],
        "reversed": counts[:, REVERSED],
        **time_figures(durations, offsets, percentiles, totals),
    }
    if amounts is not None:
        columns |= _money(pairs, found, cells, amounts)
    return rows, {name: values[rows] for name, values in columns.items()}


def _cases(
    pairs: SegmentPairs, found: Measured, cells: Cells, starts: NDArray[np.int64]
) -> NDArray[np.int64]:
    if pairs.owners is None:
        return starts
    owners = distinct(pairs.owners[found.status != ABSENT])
    return np.bincount(cells.codes[owners], minlength=cells.count)


def distinct(rising: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the distinct ones of rising numbers.

    Examples
    --------
    >>> distinct(np.array([1, 1, 4])).tolist()
    [1, 4]
    """
    fresh: NDArray[np.bool_] = np.diff(rising, prepend=-1) != 0
    return rising[fresh]


def time_figures(
    durations: NDArray[np.int64],
    offsets: NDArray[np.int64],
    percentiles: Sequence[float],
    totals: Sequence[int],
) -> dict[str, NDArray[np.float64]]:
    """Return mean, least, most, percentiles and sum of each group in seconds; NaN where it is empty.

    Parameters
    ----------
    durations : ndarray of int64, shape (n,)
        Microseconds, group by group.
    offsets : ndarray of int64, shape (groups + 1,)
    percentiles : sequence of float, shape (k,)
    totals : sequence of int, shape (groups,)
        The sum of each group.
    """
    sizes = np.diff(offsets)
    empty = sizes == 0
    sums = np.array([total / MICROSECONDS for total in totals])
    means = [t / n / MICROSECONDS if n else np.nan for t, n in zip(totals, sizes.tolist(), strict=True)]
    low, high, share = wanted_ranks(sizes, percentiles)
    ends = np.stack([np.zeros_like(sizes), np.maximum(sizes - 1, 0)], axis=1)
    if len(durations):
        ranked = values_at(durations, offsets, np.hstack((ends, low, high)))
    else:
        ranked = np.zeros((len(sizes), 2 + 2 * low.shape[1]), dtype=np.int64)
    between = interpolated(ranked[:, 2 : 2 + low.shape[1]], ranked[:, 2 + low.shape[1] :], share)
    columns = {"mean_s": np.array(means), "min_s": ranked[:, 0] / MICROSECONDS,
               "max_s": ranked[:, 1] / MICROSECONDS}  # fmt: skip
    columns |= {percentile_name(p): between[:, place] for place, p in enumerate(percentiles)}
    return {**{name: np.where(empty, np.nan, values) for name, values in columns.items()}, "sum_s": sums}


def product_sums(
    one: NDArray[np.int64], other: NDArray[np.int64], codes: NDArray[np.int32], count: int
) -> list[int]:
    """Return the exact sum of products in each group.

    Parameters
    ----------
    one, other : ndarray of int64, shape (n,)
    codes : ndarray of int32, shape (n,)
        The group of each product.
    count : int

    Examples
    --------
    >>> product_sums(np.array([2**62, -3]), np.array([2**50, 5]), np.zeros(2, np.int32), 1) == [2**112 - 15]
    True
    """
    sums = [0] * count
    if count > 1:
        order = np.argsort(codes, kind="stable")
        one, other, codes = one[order], other[order], codes[order]
    for start in range(0, len(codes), MOST):
        span = slice(start, start + MOST)
        firsts = np.flatnonzero(np.diff(codes[span], prepend=-1))
        filled = codes[span][firsts]
        left, right = _limbs(one[span]), _limbs(other[span])
        for one_shift, a in left:
            for other_shift, b in right:
                added = np.add.reduceat(a * b, firsts).tolist()
                for group, part in zip(filled.tolist(), added, strict=True):
                    sums[group] += part << (one_shift + other_shift)
    return sums


def _limbs(values: NDArray[np.int64]) -> list[tuple[int, NDArray[np.int64]]]:
    """Return parts of numbers with how far they are shifted; parts that are all zero are left out."""
    mask = (1 << LIMB) - 1
    parts = [(0, values & mask), (LIMB, (values >> LIMB) & mask), (2 * LIMB, values >> (2 * LIMB))]
    return [(shift, part) for shift, part in parts if part.any()]


def _money(
    pairs: SegmentPairs, found: Measured, cells: Cells, amounts: Amounts
) -> dict[str, NDArray[np.int64] | NDArray[np.float64]]:
    arrived = np.flatnonzero(found.status == ARRIVED)
    arrived = arrived[amounts.known[pairs.cases(arrived)]]
    owners = pairs.cases(arrived)
    waits = pairs.targets[arrived] - pairs.sources[arrived]
    delayed = product_sums(amounts.units[owners], waits, cells.codes[owners], cells.count)
    once = distinct(owners)
    ones = np.ones(len(once), dtype=np.int64)
    sums = product_sums(amounts.units[once], ones, cells.codes[once], cells.count)
    return {
        "amount_cases": np.bincount(cells.codes[once], minlength=cells.count),
        "amount": np.array([total / UNITS for total in sums]),
        "cash_days": np.array([total / (UNITS * DAY) for total in delayed]),
    }
