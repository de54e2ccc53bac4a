"""The wait for one place against that for the others that do the same, and how much of it is no chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.median_ranks import median_ranks
from dealtrace_engine.buffers import text
from dealtrace_engine.parallel import blocks, map_blocks

LEAST_WAITS = 5
"""With fewer waits, nobody is compared."""
AT_ONCE_US = 1_000_000
"""Who lets wait for less, mostly, is no person but a system, and no measure for people."""
RISK = 0.05
"""That any of the lower limits of all rows is above the truth."""


@dataclass(frozen=True, eq=False)
class Places:
    """Waits by row, and what the rows are of.

    Attributes
    ----------
    times : ndarray of int64, shape (waits,)
        Microseconds, row after row.
    offsets : ndarray of int64, shape (rows + 1,)
    parents : ndarray of int64, shape (rows,)
        Rows are compared with others of the same parent, and beside them.
    named : ndarray of bool, shape (rows,)
        Whether it is known who or what each row is of.
    """

    times: NDArray[np.int64]
    offsets: NDArray[np.int64]
    parents: NDArray[np.int64]
    named: NDArray[np.bool_]


def compared(places: Places, threads: int | None = None) -> dict[str, pa.Array]:
    """Compare the median wait of each row with that of the others of its parent.

    The lower limit of the excess is that of a difference of two medians from their own intervals, which are
    those of order statistics. Limits of all rows hold at once with 95 % confidence (Bonferroni), as who comes
    first of a thousand rows does so by chance otherwise.

    Parameters
    ----------
    places : Places
    threads : int, optional

    Returns
    -------
    dict of str to pyarrow.Array, shape (rows,)
        others_p50_s, excess_s, excess_low_s, excess_total_s in seconds; note. See `WaitingPlaces`.

    References
    ----------
    G. Y. Zou and A. Donner, "Construction of confidence limits about effect measures: a general approach",
    Statistics in Medicine 27, 2008; H. A. David and H. N. Nagaraja, "Order Statistics", 3rd ed., 2003,
    section 7.1.

    Examples
    --------
    >>> times = np.array([9] * 30 + [4] * 30 + [0] * 40) * 1_000_000
    >>> one = Places(times, np.array([0, 30, 60, 100]), np.zeros(3, np.int64), np.ones(3, np.bool_))
    >>> found = compared(one)
    >>> found["others_p50_s"].to_pylist(), found["excess_low_s"].to_pylist()
    ([4.0, 9.0, None], [5.0, -5.0, None])
    >>> found["note"].to_pylist()
    [None, None, 'done at once']
    """
    times = places.times.copy()
    _sort_rows(times, places.offsets, threads)
    counts = np.diff(places.offsets)
    at_once = times[places.offsets[:-1] + (counts - 1) // 2] < AT_ONCE_US
    person = places.named & ~at_once
    kept = np.flatnonzero(person)
    parents, counts_kept = places.parents[kept], counts[kept]
    offsets = np.concatenate(([0], np.cumsum(counts_kept)))
    own = times[np.repeat(person, counts)]
    sizes = np.bincount(parents, weights=counts_kept, minlength=int(places.parents.max(initial=-1)) + 1)
    whole = np.concatenate(([0], np.cumsum(sizes.astype(np.int64))))
    others = np.diff(whole)[parents] - counts_kept
    figures = _figures(own, offsets, whole, parents, others, threads)
    out = {name: np.zeros(len(counts)) for name in figures}
    for name, values in figures.items():
        out[name][kept] = values
    missing = np.ones(len(counts), dtype=np.bool_)
    missing[kept] = others == 0
    few, alone = counts < LEAST_WAITS, np.ones(len(counts), dtype=np.bool_)
    alone[kept] = others < LEAST_WAITS
    notes = np.select(
        [~places.named, at_once, few, alone],
        ["not known", "done at once", f"fewer than {LEAST_WAITS} waits",
         f"fewer than {LEAST_WAITS} waits of others"], "",
    )  # fmt: skip
    not_compared = notes != ""
    unknown = not_compared | ~np.isfinite(out["low"])
    return {
        "others_p50_s": pa.array(out["others"], mask=missing),
        "excess_s": pa.array(out["excess"], mask=not_compared),
        "excess_low_s": pa.array(out["low"], mask=unknown),
        "excess_total_s": pa.array(out["excess"] * counts, mask=not_compared),
        "note": text([note or None for note in notes.tolist()]),
    }


def _figures(
    own: NDArray[np.int64], offsets: NDArray[np.int64], whole: NDArray[np.int64], parents: NDArray[np.int64],
    others: NDArray[np.int64], threads: int | None,
) -> dict[str, NDArray[np.float64]]:  # fmt: skip
    """Return the median of the others, the excess over it, and its lower limit, in seconds."""
    from dealtrace_engine.kernels.waiting import ranked_of_others

    counts, pool, starts = np.diff(offsets), own.copy(), offsets[:-1]
    _sort_rows(pool, whole, threads)
    enough = (counts >= LEAST_WAITS) & (others >= LEAST_WAITS)
    confidence = 1 - RISK / max(int(enough.sum()), 1)
    low, high = median_ranks(counts, confidence), median_ranks(others, confidence)
    ranks = np.stack([(others - 1) // 2, others // 2, others - np.maximum(high, 1)], axis=1).clip(min=0)
    out = np.zeros(ranks.size, dtype=np.int64)
    map_blocks(
        lambda span: ranked_of_others(pool, whole, own, offsets, parents, ranks.ravel(), 3, *span, out),
        blocks(offsets), threads=threads,
    )  # fmt: skip
    found = out.reshape(-1, 3)
    middle = (own[starts + (counts - 1) // 2] / 2 + own[starts + counts // 2] / 2) / 10**6
    lowest = np.where(low > 0, own[starts + np.maximum(low, 1) - 1], 0) / 10**6  # no wait is below nothing
    theirs = (found[:, 0] / 2 + found[:, 1] / 2) / 10**6
    highest = np.where(high > 0, found[:, 2] / 10**6, np.inf)
    excess = middle - theirs
    return {
        "others": theirs, "excess": excess,
        "low": excess - np.sqrt((middle - lowest) ** 2 + (highest - theirs) ** 2),
    }  # fmt: skip


def _sort_rows(values: NDArray[np.int64], offsets: NDArray[np.int64], threads: int | None) -> None:
    def sort(span: tuple[int, int]) -> None:
        for row in range(*span):
            values[offsets[row] : offsets[row + 1]].sort()

    map_blocks(sort, blocks(offsets), threads=threads)
