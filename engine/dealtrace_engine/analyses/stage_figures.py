"""Figures of durations, counts and money by group, from exact sums."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.edges import exact_moments
from dealtrace_engine.analyses.money import UNITS, Amounts
from dealtrace_engine.analyses.rate_intervals import wilson
from dealtrace_engine.buffers import arrow
from dealtrace_engine.parallel import map_blocks
from dealtrace_engine.percentiles import MICROSECONDS, interpolated, values_at, wanted_ranks

Item = TypeVar("Item")
Kept = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.bool_]]
MOST_CELLS = 1 << 16
"""Of counts that every block makes its own of."""

Measure = Callable[[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]], NDArray[np.int64]]
"""What tells the working time from sources to targets of cases, in microseconds."""


def nullable(values: NDArray[Any], valid: NDArray[np.bool_]) -> pa.Array:
    """Return numbers as an Arrow array that is null where they are not valid.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Numbers, not truth values.
    valid : ndarray of bool, shape (n,)

    Examples
    --------
    >>> nullable(np.array([1.5, np.nan]), np.array([True, False])).to_pylist()
    [1.5, None]
    """
    plain = np.where(valid, values, 0).astype(values.dtype)
    bits = pa.py_buffer(np.packbits(valid, bitorder="little"))
    kind = pa.from_numpy_dtype(plain.dtype)
    return pa.Array.from_buffers(kind, len(plain), [bits, pa.py_buffer(np.ascontiguousarray(plain))])


def count_of(
    codes: NDArray[np.integer], count: int, weights: NDArray[Any] | None = None
) -> NDArray[np.int64]:
    """Return how many there are of each code, or the sum of whole weights below 2^53, shape (count,)."""
    return np.bincount(codes, weights=weights, minlength=count).astype(np.int64)


def duration_figures(
    microseconds: NDArray[np.int64],
    codes: NDArray[np.int64],
    count: int,
    kept: NDArray[np.bool_],
    prefix: str = "",
    *,
    threads: int | None = None,
) -> dict[str, pa.Array]:
    """Return p50, p90 and mean of durations by group, in seconds, null where there are none.

    Parameters
    ----------
    microseconds : ndarray of int64, shape (n,)
    codes : ndarray of int64, shape (n,)
        The group of each, from 0 to `count` - 1.
    count : int
    kept : ndarray of bool, shape (n,)
        Which of them count.
    prefix : str
        What the names of the columns begin with.
    threads : int, optional

    Examples
    --------
    >>> both = np.array([True, True])
    >>> found = duration_figures(np.array([2_000_000, 4_000_000]), np.array([1, 1]), 2, both)
    >>> {name: values.to_pylist() for name, values in found.items()}
    {'p50_s': [None, 3.0], 'p90_s': [None, 3.8], 'mean_s': [None, 3.0]}
    """
    return grouped_figures(
        *kept_groups([(microseconds, codes.astype(np.int32), kept)], count, threads), prefix, threads=threads
    )


def added_up(
    add: Callable[[Item, NDArray[np.int64]], object], items: Sequence[Item], size: int, threads: int | None
) -> NDArray[np.int64]:
    """Return the sum of `added_apart`, shape (size,)."""
    return np.asarray(added_apart(add, items, size, threads).sum(axis=0))


def added_apart(
    add: Callable[[Item, NDArray[np.int64]], object], items: Sequence[Item], size: int, threads: int | None
) -> NDArray[np.int64]:
    """Return what `add` adds of each item to an array of zeros, shape (items, size).

    Parameters
    ----------
    add : callable (item, array) -> None
    items : sequence
    size : int
        Above `MOST_CELLS` there is one array only, for all items, and one item after the other.
    threads : int or None
    """

    def one(item: Item) -> NDArray[np.int64]:
        out = np.zeros(size, dtype=np.int64)
        add(item, out)
        return out

    if size <= MOST_CELLS:
        return np.stack(map_blocks(one, items, threads=threads))
    total = np.zeros((1, size), dtype=np.int64)
    for item in items:
        add(item, total[0])
    return total


def kept_groups(
    parts: Sequence[Kept], count: int, threads: int | None, sizes: NDArray[np.int64] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the values that are kept, group by group and in the order of the parts, and their offsets.

    Parameters
    ----------
    parts : sequence of (ndarray of int64, ndarray of int32, ndarray of bool)
        Values, the group of each, and which are kept.
    count : int
        Of groups; above `MOST_CELLS` it is one part after the other.
    threads : int or None
    sizes : ndarray of int64, shape (parts, count), optional
        How many are kept, where that is known.

    Returns
    -------
    values : ndarray of int64, shape (kept,)
    offsets : ndarray of int64, shape (count + 1,)
    """
    from dealtrace_engine.kernels.stage_counts import count_kept, group_kept

    def counted(part: Kept) -> NDArray[np.int64]:
        out = np.zeros(2 * count, dtype=np.int64)
        count_kept(part[1], part[2], out)
        return out[:count]

    apart = sizes is not None or count <= MOST_CELLS
    if sizes is None:
        sizes = (
            np.stack(map_blocks(counted, parts, threads=threads))
            if apart
            else added_up(lambda part, out: count_kept(*part[1:], out), parts, 2 * count, 1)[None, :count]
        )
    offsets = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(sizes.sum(axis=0), out=offsets[1:])
    out = np.empty(int(offsets[-1]), dtype=np.int64)
    positions = offsets[:-1] + np.cumsum(sizes, axis=0) - sizes

    def write(number: int) -> None:
        values, codes, kept = parts[number]
        group_kept(codes, kept, values, positions[number if apart else 0], out)

    map_blocks(write, range(len(parts)), threads=threads if apart else 1)
    return out, offsets


def grouped_figures(
    values: NDArray[np.int64], offsets: NDArray[np.int64], prefix: str = "", *, threads: int | None = None
) -> dict[str, pa.Array]:
    """Return what `duration_figures` does, of durations group by group, and their offsets."""
    return figures_and_p90(values, offsets, prefix, threads=threads)[0]


def figures_and_p90(
    values: NDArray[np.int64], offsets: NDArray[np.int64], prefix: str = "", *, threads: int | None = None
) -> tuple[dict[str, pa.Array], NDArray[np.int64]]:
    """Return `grouped_figures`, and the 90th percentiles rounded down to a microsecond, shape (groups,)."""
    sizes = np.diff(offsets)
    low, high, part = wanted_ranks(sizes, [50, 90])
    found = np.zeros((len(sizes), 4), dtype=np.int64)
    if len(values):
        found = values_at(values, offsets, np.hstack((low, high)), threads)
    sums = [total / 10**6 for total, _ in exact_moments(values, offsets, threads)]
    figures = interpolated(found[:, :2], found[:, 2:], part)
    means = np.array(sums, dtype=np.float64) / np.maximum(sizes, 1)
    columns = {"p50_s": figures[:, 0], "p90_s": figures[:, 1], "mean_s": means}
    p90 = found[:, 1] + np.floor((found[:, 3] - found[:, 1]) * part[:, 1]).astype(np.int64)
    return {prefix + name: nullable(column, sizes > 0) for name, column in columns.items()}, p90


def shares(
    part: NDArray[np.int64], whole: NDArray[np.int64], name: str, confidence: float
) -> dict[str, pa.Array]:
    """Return a share and Wilson's interval for it; null where the whole is nothing.

    Parameters
    ----------
    part, whole : ndarray of int64, shape (n,)
    name : str
        Of the column; the ends of the interval are called so with ``_low`` and ``_high``.
    confidence : float
        Between 0 and 1.

    References
    ----------
    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the
    American Statistical Association 22(158), 1927.

    Examples
    --------
    >>> found = shares(np.array([5, 0]), np.array([10, 0]), "won", 0.95)
    >>> [round(found[name][0].as_py(), 4) for name in ("won", "won_low", "won_high")]
    [0.5, 0.2366, 0.7634]
    >>> found["won"][1].as_py()
    """
    share = np.where(whole > 0, part, 0) / np.maximum(whole, 1)
    low, high = wilson(part, whole, confidence)
    columns = {name: share, f"{name}_low": low, f"{name}_high": high}
    return {key: nullable(values, whole > 0) for key, values in columns.items()}


def money_of(
    amounts: Amounts, cases: NDArray[np.integer], codes: NDArray[np.integer], count: int
) -> NDArray[np.float64]:
    """Return the sum of the amounts of some cases by code, exact until it is a float, shape (count,)."""
    chosen = replace(amounts, units=amounts.units[cases])
    return np.array([units / UNITS for units in chosen.exact_sums(codes, count)], dtype=np.float64)


def seconds(microseconds: NDArray[np.int64]) -> pa.Array:
    """Return durations in seconds."""
    return arrow(microseconds / MICROSECONDS)
