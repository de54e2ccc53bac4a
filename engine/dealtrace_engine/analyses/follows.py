"""The directly-follows graph with the times between its activities."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import Progress, blocks, map_blocks
from dealtrace_engine.percentiles import MICROSECONDS, group_percentiles
from dealtrace_engine.results import LogReference, Result

DENSE_ACTIVITIES = 512
"""Up to so many activities every pair has a place in a table; beyond, pairs are sorted."""
RANKS = (0, 50, 90, 95, 99, 100)


class Pairs(NamedTuple):
    """The pairs of activities that occur, in the order of their codes.

    Attributes
    ----------
    source, target : ndarray of int64, shape (edges,)
    cases : ndarray of int64, shape (edges,)
        Cases in which the pair occurs.
    offsets : ndarray of int64, shape (edges + 1,)
        The durations of edge e are ``durations[offsets[e]:offsets[e + 1]]``.
    durations : ndarray of int64, shape (pairs,)
        Microseconds.
    """

    source: NDArray[np.int64]
    target: NDArray[np.int64]
    cases: NDArray[np.int64]
    offsets: NDArray[np.int64]
    durations: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class DirectlyFollows(Result):
    """A directly-follows graph.

    Attributes
    ----------
    edges : pyarrow.Table
        One row per pair, by count, largest first, then by text. source, target: text; count: how often
        target directly follows source in a case; cases: in how many cases; mean_s, median_s, min_s, max_s,
        sum_s, stdev_s (of a sample, NaN for one occurrence), p50_s, p90_s, p95_s, p99_s (numpy's linear
        percentiles): seconds from source to target.
    activities : pyarrow.Table
        One row per activity, by count, largest first, then by text. activity: text; count: events; cases:
        cases with it; start, end: cases that start and end with it.
    """

    edges: pa.Table
    activities: pa.Table
    _log: LogReference
    definition: ClassVar[str] = "directly_follows 1"

    @property
    def _table(self) -> pa.Table:
        return self.edges

    def _content(self) -> dict[str, Any]:
        return {"activities": self.activities, "edges": self.edges}

    def __repr__(self) -> str:
        events, starts = (sum(self.activities[name].to_pylist()) for name in ("count", "start"))
        return (
            f"DirectlyFollows of {self.activities.num_rows:,} activities and {self.edges.num_rows:,} edges, "
            f"{events:,} events in {starts:,} cases"
        )


def directly_follows(
    log: EventLog, *, threads: int | None = None, progress: Progress | None = None
) -> DirectlyFollows:
    """Return which activity directly follows which within a case, how often, and how long it takes.

    Parameters
    ----------
    log : EventLog
    threads : int, optional
        All CPUs by default; the result does not depend on it.
    progress : callable (done, of) -> object, optional
        Returning False cancels.

    Returns
    -------
    DirectlyFollows

    References
    ----------
    W. M. P. van der Aalst, "Process Mining: Data Science in Action", 2nd ed., Springer, 2016, chapter 7.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1", "1"], "activity": ["a", "b"],
    ...                            "time": ["2024-01-01", "2024-01-03"]}))
    >>> directly_follows(log).edges.select(["source", "target", "count", "mean_s"]).to_pylist()
    [{'source': 'a', 'target': 'b', 'count': 1, 'mean_s': 172800.0}]
    """
    counts = _activity_counts(log, threads)
    find = dense_pairs if len(log.activities) <= DENSE_ACTIVITIES else sorted_pairs
    pairs = find(log, threads, progress)
    return DirectlyFollows(_edge_table(log, pairs, threads), _activity_table(log, counts), LogReference(log))


def _activity_counts(log: EventLog, threads: int | None) -> NDArray[np.int64]:
    from dealtrace_engine.kernels.follows import count_activities

    def partial(block: tuple[int, int]) -> NDArray[np.int64]:
        counts = np.zeros((len(log.activities), 4), dtype=np.int64)
        seen = np.full(len(log.activities), -1, dtype=np.int64)
        count_activities(log.activity_codes, log.case_offsets, *block, seen, counts)
        return counts

    return sum_of(map_blocks(partial, blocks(log.case_offsets), threads=threads))


def sum_of(parts: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Add integer arrays of one shape."""
    total = parts[0].copy()
    for part in parts[1:]:
        total += part
    return total


def dense_pairs(log: EventLog, threads: int | None = None, progress: Progress | None = None) -> Pairs:
    """Find the pairs by counting in a table of all pairs."""
    from dealtrace_engine.kernels.follows import count_pairs, gather_durations

    width = len(log.activities)
    spans = blocks(log.case_offsets)

    def count(block: tuple[int, int]) -> NDArray[np.int64]:
        counts = np.zeros((2, width * width), dtype=np.int64)
        seen = np.full(width * width, -1, dtype=np.int64)
        count_pairs(log.activity_codes, log.case_offsets, *block, width, seen, counts[0], counts[1])
        return counts

    partial = map_blocks(count, spans, threads=threads, progress=progress)
    counts, case_counts = sum_of(partial)
    edges = np.flatnonzero(counts)
    offsets = np.zeros(len(edges) + 1, dtype=np.int64)
    np.cumsum(counts[edges], out=offsets[1:])
    durations = np.empty(offsets[-1], dtype=np.int64)
    next_free = np.zeros(width * width, dtype=np.int64)
    next_free[edges] = offsets[:-1]
    cursors = []
    for part in partial:
        cursors.append(next_free.copy())
        next_free += part[0]

    def gather(item: tuple[tuple[int, int], NDArray[np.int64]]) -> None:
        block, cursor = item
        gather_durations(
            log.activity_codes, log.timestamps, log.case_offsets, *block, width, cursor, durations
        )

    map_blocks(gather, list(zip(spans, cursors, strict=True)), threads=threads)
    return Pairs(edges // width, edges % width, case_counts[edges], offsets, durations)


def sorted_pairs(log: EventLog, threads: int | None = None, progress: Progress | None = None) -> Pairs:
    """Find the pairs by sorting them, for logs with very many activities."""
    width = len(log.activities)
    inside = np.ones(log.events, dtype=np.bool_)
    inside[log.case_offsets[1:] - 1] = False
    at = np.flatnonzero(inside)
    keys = log.activity_codes[at].astype(np.int64) * width + log.activity_codes[at + 1]
    order = np.argsort(keys, kind="stable")
    edges, starts = np.unique(keys[order], return_index=True)
    offsets = np.append(starts, len(keys)).astype(np.int64)
    cases = np.searchsorted(log.case_offsets, at[order], side="right")
    new_case = np.ones(len(order), dtype=np.int64)
    new_case[1:] = cases[1:] != cases[:-1]
    new_case[starts] = 1
    case_counts = np.add.reduceat(new_case, starts) if len(starts) else np.zeros(0, dtype=np.int64)
    durations = (log.timestamps[at + 1] - log.timestamps[at])[order]
    return Pairs(edges // width, edges % width, case_counts, offsets, durations)


def _edge_table(log: EventLog, pairs: Pairs, threads: int | None) -> pa.Table:
    from dealtrace_ext.moments import exact_moments

    counts = np.diff(pairs.offsets)
    moments = exact_moments(pairs.durations, pairs.offsets)
    totals = [total for total, _ in moments]
    percentiles = group_percentiles(pairs.durations, pairs.offsets, RANKS, threads=threads)
    order = np.lexsort((pairs.target, pairs.source, -counts))
    times = {
        "mean_s": np.array([total / (int(n) * 10**6) for total, n in zip(totals, counts, strict=True)]),
        "median_s": percentiles[:, 1],
        "min_s": percentiles[:, 0],
        "max_s": percentiles[:, 5],
        "sum_s": np.array([total / 10**6 for total in totals]),
        "stdev_s": np.array([_stdev(int(n), *sums) for n, sums in zip(counts, moments, strict=True)]),
        "p50_s": percentiles[:, 1],
        "p90_s": percentiles[:, 2],
        "p95_s": percentiles[:, 3],
        "p99_s": percentiles[:, 4],
    }
    return pa.table(
        {
            "source": log.activity_texts(pairs.source[order]),
            "target": log.activity_texts(pairs.target[order]),
            "count": counts[order],
            "cases": pairs.cases[order],
        }
        | {name: np.asarray(values, dtype=np.float64)[order] for name, values in times.items()}
    )


def _stdev(n: int, total: int, squares: int) -> float:
    """Return the sample standard deviation in seconds, from exact sums in microseconds."""
    if n < 2:
        return math.nan
    return math.sqrt((n * squares - total * total) / (n * (n - 1))) / MICROSECONDS


def _activity_table(log: EventLog, counts: NDArray[np.int64]) -> pa.Table:
    order = np.lexsort((np.arange(len(counts)), -counts[:, 0]))
    columns = {name: counts[order, i] for i, name in enumerate(("count", "cases", "start", "end"))}
    return pa.table({"activity": log.activity_texts(order), **columns})
