"""Exact percentiles of durations, as numpy's linear interpolation gives them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.parallel import blocks, map_blocks

MICROSECONDS = 1e6


def percentile_name(percentile: float) -> str:
    """Return the column name of a percentile in seconds.

    Examples
    --------
    >>> percentile_name(50), percentile_name(99.9), percentile_name(99.99999)
    ('p50_s', 'p99.9_s', 'p99.99999_s')
    """
    return f"p{np.format_float_positional(percentile, trim='-')}_s"


def check_percentiles(percentiles: Sequence[float]) -> NDArray[np.float64]:
    """Return the percentiles as an array; raise `ArgumentError` unless each is from 0 to 100."""
    try:
        values = np.asarray(percentiles, dtype=np.float64)
    except (TypeError, ValueError):
        values = np.full(1, np.nan)
    if values.ndim != 1 or not np.all((values >= 0) & (values <= 100)):
        raise ArgumentError(f"percentiles are numbers from 0 to 100, got {percentiles!r}",
                            hint="give a list such as [50, 90]")  # fmt: skip
    return values


def group_percentiles(
    microseconds: NDArray[np.int64],
    offsets: NDArray[np.int64],
    percentiles: Sequence[float],
    *,
    threads: int | None = None,
) -> NDArray[np.float64]:
    """Return percentiles of each group of durations.

    Parameters
    ----------
    microseconds : ndarray of int64, shape (n,)
        Durations, group by group.
    offsets : ndarray of int64, shape (groups + 1,)
    percentiles : sequence of float, shape (k,)
        From 0 to 100.
    threads : int, optional
        All CPUs by default; the result does not depend on it.

    Returns
    -------
    ndarray of float64, shape (groups, k)
        Seconds; NaN where a group is empty. Equal to ``numpy.percentile(seconds, percentiles)``.

    References
    ----------
    R. J. Hyndman and Y. Fan, "Sample quantiles in statistical packages", The American Statistician 50(4),
    1996: definition 7.

    Examples
    --------
    >>> import numpy as np
    >>> group_percentiles(np.array([4_000_000, 0, 1_000_000]), np.array([0, 2, 3]), [50, 75])
    array([[2., 3.],
           [1., 1.]])
    """
    sizes = np.diff(offsets)
    low, high, part = wanted_ranks(sizes, percentiles)
    if len(microseconds) == 0:
        return np.full(part.shape, np.nan)
    found = values_at(microseconds, offsets, np.hstack((low, high)), threads)
    result = interpolated(found[:, : low.shape[1]], found[:, low.shape[1] :], part)
    result[sizes == 0] = np.nan
    return result


def wanted_ranks(
    sizes: NDArray[np.int64], percentiles: Sequence[float]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return between which two ranks of each group each percentile lies, and how far; shape (groups, k)."""
    fractions = check_percentiles(percentiles) / 100
    position = (np.maximum(sizes, 1) - 1)[:, None] * fractions[None, :]
    low = np.floor(position).astype(np.int64)
    high = np.minimum(low + 1, np.maximum(sizes - 1, 0)[:, None])
    return low, high, position - low


def interpolated(
    low: NDArray[np.int64], high: NDArray[np.int64], share: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return seconds between two microseconds, from the nearer end, as numpy does: never outside of them."""
    below, above = low / MICROSECONDS, high / MICROSECONDS
    step = above - below
    return np.where(share >= 0.5, above - step * (1 - share), below + step * share)


def values_at(
    values: NDArray[np.int64],
    offsets: NDArray[np.int64],
    ranks: NDArray[np.int64],
    threads: int | None = None,
) -> NDArray[np.int64]:
    """Return the values at `ranks` of each group, counted from its smallest; shape (groups, k).

    Parameters
    ----------
    values : ndarray of int64, shape (n,)
    offsets : ndarray of int64, shape (groups + 1,)
    ranks : ndarray of int64, shape (groups, k)
        In any order; those of empty groups are not looked at, and their values are 0.
    threads : int, optional

    Examples
    --------
    >>> values_at(np.array([7, 5, 6, 1]), np.array([0, 3, 4]), np.array([[2, 0], [0, 0]]))
    array([[7, 5],
           [1, 1]])
    """
    from dealtrace_ext.groups import ranked

    order = np.argsort(ranks, axis=1)
    rising, found = np.take_along_axis(ranks, order, axis=1), np.empty(ranks.shape, dtype=np.int64)
    map_blocks(lambda span: ranked(values, offsets, *span, rising, found), blocks(offsets), threads=threads)
    out = np.empty_like(found)
    np.put_along_axis(out, order, found, axis=1)
    return out
