"""Exact percentiles of durations, as numpy's linear interpolation gives them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.parallel import map_blocks

MICROSECONDS = 1e6
SMALL = 1024
"""Up to this size a group is sorted whole; above, only the ranks that are needed are looked for."""
GROUPS_PER_BLOCK = 1 << 16


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
        Durations, group by group; small groups are sorted in place.
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
    found = _ranked(microseconds, offsets, np.hstack((low, high)), threads)
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


def _ranked(
    values: NDArray[np.int64], offsets: NDArray[np.int64], ranks: NDArray[np.int64], threads: int | None
) -> NDArray[np.int64]:
    """Return the values at `ranks` of each group, shape (groups, k); small groups are sorted."""
    from dealtrace_ext.groups import ranked

    _sort_small(values, offsets, threads)
    found: NDArray[np.int64] = values[np.minimum(offsets[:-1], len(values) - 1)[:, None] + ranks]

    def select(group: int) -> None:
        order = np.argsort(ranks[group])
        row = np.empty(len(order), dtype=np.int64)
        ranked(values[offsets[group] : offsets[group + 1]], ranks[group][order], row)
        found[group, order] = row

    map_blocks(select, [int(g) for g in np.flatnonzero(np.diff(offsets) > SMALL)], threads=threads)
    return found


def sort_groups(values: NDArray[np.int64], offsets: NDArray[np.int64], threads: int | None = None) -> None:
    """Sort each group of values in place."""
    _sort_small(values, offsets, threads)
    large = [int(g) for g in np.flatnonzero(np.diff(offsets) > SMALL)]
    map_blocks(lambda g: values[offsets[g] : offsets[g + 1]].sort(), large, threads=threads)


def _sort_small(values: NDArray[np.int64], offsets: NDArray[np.int64], threads: int | None) -> None:
    from dealtrace_ext.groups import sort_small_groups

    groups = len(offsets) - 1
    spans = [(first, min(first + GROUPS_PER_BLOCK, groups)) for first in range(0, groups, GROUPS_PER_BLOCK)]
    map_blocks(lambda span: sort_small_groups(values, offsets, *span, SMALL), spans, threads=threads)
