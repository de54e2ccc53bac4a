"""The directly-follows graph with the times between its activities."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.edges import Edges, dense_edges, sorted_edges
from dealtrace_engine.buffers import table
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import Progress
from dealtrace_engine.percentiles import MICROSECONDS
from dealtrace_engine.results import LogReference, Result

DENSE_ACTIVITIES = 512
"""Up to so many activities every pair has a place in a table; beyond, pairs are sorted."""
RANKS = (0, 50, 90, 95, 99, 100)


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
    find = dense_edges if len(log.activities) <= DENSE_ACTIVITIES else sorted_edges
    edges, counts = find(log, RANKS, threads, progress)
    return DirectlyFollows(_edge_table(log, edges), _activity_table(log, counts), LogReference(log))


def _edge_table(log: EventLog, edges: Edges) -> pa.Table:
    order = np.lexsort((edges.target, edges.source, -edges.counts))
    counts, totals = edges.counts.tolist(), [total for total, _ in edges.moments]
    percentiles = edges.percentiles
    times = {
        "mean_s": [total / (n * 10**6) for total, n in zip(totals, counts, strict=True)],
        "median_s": percentiles[:, 1],
        "min_s": percentiles[:, 0],
        "max_s": percentiles[:, 5],
        "sum_s": [total / 10**6 for total in totals],
        "stdev_s": [_stdev(n, *sums) for n, sums in zip(counts, edges.moments, strict=True)],
        "p50_s": percentiles[:, 1],
        "p90_s": percentiles[:, 2],
        "p95_s": percentiles[:, 3],
        "p99_s": percentiles[:, 4],
    }
    return table(
        {
            "source": log.activity_texts(edges.source[order]),
            "target": log.activity_texts(edges.target[order]),
            "count": edges.counts[order],
            "cases": edges.cases[order],
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
    return table({"activity": log.activity_texts(order), **columns})
