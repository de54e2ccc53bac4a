"""The difference of two groups of cases as a process map."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.rate_intervals import difference, null_for_nan, p_values, q_values
from dealtrace_engine.buffers import table
from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import blocks, map_blocks

MOST_CELLS = 1 << 26


class MapDifference(NamedTuple):
    """How the process maps of two groups differ.

    Attributes
    ----------
    table : pyarrow.Table
        See `Journeys.map`.
    edges : ndarray of int64, shape (rows, 2)
        Source and target of each row; the number of activities stands for the start and the end.
    """

    table: pa.Table
    edges: NDArray[np.int64]


def map_difference(
    log: EventLog, groups: NDArray[np.int32], ends: NDArray[np.int64], *, confidence: float = 0.95,
    threads: int | None = None,
) -> MapDifference:  # fmt: skip
    """Compare which activities directly follow each other in the cases of two groups.

    Parameters
    ----------
    log : EventLog
    groups : ndarray of int32, shape (cases,)
        0 for the first group, 1 for the second, -1 for neither.
    ends : ndarray of int64, shape (cases,)
        Where the path of each case ends: the place after its last event.
    confidence : float
    threads : int, optional

    Raises
    ------
    ArgumentError
        There are too many activities.
    """
    from dealtrace_engine.kernels.journeys import count_map

    width = len(log.activities)
    edges = (width + 1) ** 2
    if edges > MOST_CELLS:
        raise ArgumentError(f"{width:,} activities are too many for a map", hint="filter them")

    def count(block: tuple[int, int]) -> NDArray[np.int64]:
        out, seen = np.zeros((2, 2 * edges), dtype=np.int64), np.full(edges, -1, dtype=np.int64)
        count_map(log.activity_codes, log.case_offsets, *block, ends, groups, width, seen, out[0], out[1])
        return out

    total = np.zeros((2, 2 * edges), dtype=np.int64)
    for part in map_blocks(count, blocks(log.case_offsets, max(1 << 18, 4 * edges)), threads=threads):
        total += part
    counts, cases = total.reshape(2, 2, edges)
    used = (ends > log.case_offsets[:-1]) & (groups >= 0)
    return _as_table(log, counts, cases, np.bincount(groups[used], minlength=2), confidence)


def _as_table(
    log: EventLog, counts: NDArray[np.int64], cases: NDArray[np.int64], sizes: NDArray[np.int64],
    confidence: float,
) -> MapDifference:  # fmt: skip
    width = len(log.activities)
    found = np.flatnonzero(counts.any(axis=0))
    (one, other), (count, other_count) = cases[:, found], counts[:, found]
    of, other_of = (np.full(len(found), size or np.nan, dtype=np.float64) for size in sizes.tolist())
    effect, low, high = difference(one, of, other, other_of, confidence)
    order = np.lexsort((found, -(one + other), -np.nan_to_num(np.abs(effect))))
    found = found[order]
    source, target = np.divmod(found, width + 1)
    texts = [*log.activities.to_pylist(), None]
    both = bool(sizes.all())
    values = p_values(one, sizes[0], other, sizes[1]) if both else np.full(len(found), np.nan)
    columns: dict[str, Any] = {
        "source": pa.array([texts[k] for k in source.tolist()], pa.large_string()),
        "target": pa.array([texts[k] for k in target.tolist()], pa.large_string()),
        "count_first": count[order],
        "count_second": other_count[order],
        "cases_first": one[order],
        "cases_second": other[order],
    }
    figures = {
        "share_first": one / of, "share_second": other / other_of, "difference": effect, "low": low,
        "high": high, "p_value": values, "q_value": q_values(values),
    }  # fmt: skip
    columns |= {name: null_for_nan(figure[order]) for name, figure in figures.items()}
    return MapDifference(table(columns), np.column_stack((source, target)))


def cases_with_edge(
    log: EventLog, groups: NDArray[np.int32], ends: NDArray[np.int64], edge: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the numbers of the cases of both groups with an edge on their path.

    Parameters
    ----------
    log : EventLog
    groups, ends
        See `map_difference`.
    edge : ndarray of int64, shape (2,)
        Of `MapDifference.edges`.
    """
    width, (source, target) = len(log.activities), edge.tolist()
    wanted = (groups >= 0) & (ends > log.case_offsets[:-1])
    begins, codes = log.case_offsets[:-1], log.activity_codes
    if source == width:
        return np.flatnonzero(wanted & (codes[begins] == target))
    if target == width:
        return np.flatnonzero(wanted & (codes[np.maximum(ends, 1) - 1] == source))
    places = np.flatnonzero((codes[:-1] == source) & (codes[1:] == target))
    owners = np.searchsorted(log.case_offsets, places, side="right") - 1
    inside = places + 1 < ends[owners]
    return np.unique(owners[inside & wanted[owners]])
