"""Figures of rows of waits: counts, sums, percentiles, shares, and the cash that waits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.edges import exact_moments
from dealtrace_engine.analyses.money import UNITS
from dealtrace_engine.parallel import blocks, map_blocks
from dealtrace_engine.percentiles import MICROSECONDS, group_percentiles

DAY_US = 86_400 * 10**6


def measured(
    times: NDArray[np.int64], offsets: NDArray[np.int64], case_counts: NDArray[np.int64],
    threads: int | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return the columns of figures of rows of waits.

    Parameters
    ----------
    times : ndarray of int64, shape (waits,)
    offsets : ndarray of int64, shape (rows + 1,)
    case_counts : ndarray of int64, shape (rows,)
    threads : int, optional

    Returns
    -------
    dict of str to array, shape (rows,)
        count; cases; total_s, mean_s, p50_s, p90_s in seconds; share of the sum of all total_s, null where
        that is nothing.

    Examples
    --------
    >>> found = measured(np.array([1_000_000, 3_000_000]), np.array([0, 2]), np.array([1]))
    >>> found["count"].tolist(), found["mean_s"].tolist()
    ([2], [2.0])
    """
    counts = np.diff(offsets)
    sums = [total for total, _ in exact_moments(times, offsets, threads)]
    middle = group_percentiles(times, offsets, [50, 90], threads=threads)
    return {
        "count": counts,
        "cases": case_counts,
        "total_s": np.array([total / 10**6 for total in sums], dtype=np.float64),
        "mean_s": np.array([t / (n * 10**6) for t, n in zip(sums, counts.tolist(), strict=True)], np.float64),
        "p50_s": middle[:, 0],
        "p90_s": middle[:, 1],
        "share": shares(sums),
    }


def distinct_counts(
    cases: NDArray[np.int32], offsets: NDArray[np.int64], threads: int | None = None
) -> NDArray[np.int64]:
    """Return how many cases each row has, where equal ones are beside each other, shape (rows,).

    Examples
    --------
    >>> distinct_counts(np.array([0, 0, 3], np.int32), np.array([0, 3])).tolist()
    [2]
    """
    from dealtrace_engine.kernels.waiting import distinct_cases

    out = np.zeros(len(offsets) - 1, dtype=np.int64)
    map_blocks(lambda span: distinct_cases(cases, offsets, *span, out), blocks(offsets), threads=threads)
    return out


def cash_days(
    times: NDArray[np.int64], cases: NDArray[np.int32], offsets: NDArray[np.int64],
    units: NDArray[np.int64], threads: int | None = None,
) -> NDArray[np.float64]:  # fmt: skip
    """Return the sum of amount x days of each row, from exact sums, shape (rows,); see `measured`."""
    from dealtrace_engine.kernels.waiting import amount_times

    limbs = np.zeros(4 * (len(offsets) - 1), dtype=np.int64)
    map_blocks(
        lambda span: amount_times(times, cases, offsets, units, *span, limbs),
        blocks(offsets),
        threads=threads,
    )
    return days_of(limbs)


def days_of(limbs: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return amount x days from the limbs of exact sums; see `dealtrace_engine.kernels.waiting`."""
    exact = [sum(limb << (31 * k) for k, limb in enumerate(row)) for row in limbs.reshape(-1, 4).tolist()]
    return np.array([each / (UNITS * DAY_US) for each in exact], dtype=np.float64)


def shares(sums: Sequence[int]) -> pa.Array:
    """Return each part of the whole; null where the whole is nothing.

    Examples
    --------
    >>> shares([1, 3]).to_pylist(), shares([0]).to_pylist()
    ([0.25, 0.75], [None])
    """
    whole = sum(sums)
    return pa.array([each / whole if whole else None for each in sums], pa.float64())


def seconds(microseconds: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return microseconds as seconds."""
    return microseconds / MICROSECONDS
