"""Figures of durations, counts and money by group, from exact sums."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.money import UNITS, Amounts
from dealtrace_engine.analyses.throughput import grouped
from dealtrace_engine.buffers import arrow
from dealtrace_engine.percentiles import MICROSECONDS, group_percentiles


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


def ratio(part: NDArray[np.int64], whole: NDArray[np.int64]) -> pa.Array:
    """Return shares, null where the whole is nothing."""
    return nullable(part / np.maximum(whole, 1), whole > 0)


def count_of(
    codes: NDArray[np.integer], count: int, weights: NDArray[Any] | None = None
) -> NDArray[np.int64]:
    """Return how many there are of each code, or the sum of whole weights below 2^53, shape (count,)."""
    return np.bincount(codes, weights=weights, minlength=count).astype(np.int64)


def duration_figures(
    microseconds: NDArray[np.int64],
    codes: NDArray[np.integer],
    count: int,
    prefix: str = "",
    *,
    threads: int | None = None,
) -> dict[str, pa.Array]:
    """Return p50, p90 and mean of durations by group, in seconds, null where there are none.

    Parameters
    ----------
    microseconds : ndarray of int64, shape (n,)
    codes : ndarray of int, shape (n,)
        The group of each, from 0 to `count` - 1.
    count : int
    prefix : str
        What the names of the columns begin with.
    threads : int, optional

    Examples
    --------
    >>> found = duration_figures(np.array([2_000_000, 4_000_000]), np.array([1, 1]), 2)
    >>> {name: values.to_pylist() for name, values in found.items()}
    {'p50_s': [None, 3.0], 'p90_s': [None, 3.8], 'mean_s': [None, 3.0]}
    """
    from dealtrace_ext.moments import exact_moments

    values, offsets = grouped(microseconds, codes.astype(np.int32), count)
    sizes = np.diff(offsets)
    sums = np.array([total / 10**6 for total, _ in exact_moments(values, offsets)], dtype=np.float64)
    figures = group_percentiles(values, offsets, [50, 90], threads=threads)
    columns = {"p50_s": figures[:, 0], "p90_s": figures[:, 1], "mean_s": sums / np.maximum(sizes, 1)}
    return {prefix + name: nullable(column, sizes > 0) for name, column in columns.items()}


def money_of(
    amounts: Amounts, cases: NDArray[np.integer], codes: NDArray[np.integer], count: int
) -> NDArray[np.float64]:
    """Return the sum of the amounts of some cases by code, exact until it is a float, shape (count,)."""
    chosen = replace(amounts, units=amounts.units[cases])
    return np.array([units / UNITS for units in chosen.exact_sums(codes, count)], dtype=np.float64)


def seconds(microseconds: NDArray[np.int64]) -> pa.Array:
    """Return durations in seconds."""
    return arrow(microseconds / MICROSECONDS)
