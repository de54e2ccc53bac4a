"""The directly-follows graph with the times between its activities."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.edges import Counted, Edges, dense_counts, dense_edges, sorted_edges
from dealtrace_engine.analyses.rate_intervals import null_for_nan
from dealtrace_engine.buffers import table
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import Progress
from dealtrace_engine.percentiles import MICROSECONDS
from dealtrace_engine.results import Later, LogReference, Result, made

DENSE_ACTIVITIES = 512
"""Up to so many activities every pair has a place in a table; beyond, pairs are sorted."""
RANKS = (0, 50, 90, 95, 99, 100)


@dataclass(frozen=True, eq=False)
class DirectlyFollows(Result):
    """A directly-follows graph.

    The counts are there at once; the tables `edges` and `activities` are each made when first asked for,
    once, on any thread. A pickled graph has them.

    Attributes
    ----------
    counts : pyarrow.Table
        One row per pair, by count, largest first, then by text. source, target: text; count: how often
        target directly follows source in a case.
    """

    counts: pa.Table
    _edges: Later[pa.Table]
    _activities: Later[pa.Table]
    _log: LogReference
    definition: ClassVar[str] = "directly_follows 1"

    @property
    def edges(self) -> pa.Table:
        """The rows of `counts` with the times of each pair.

        source, target, count; cases: in how many cases it occurs; mean_s, median_s, min_s, max_s, sum_s,
        stdev_s (of a sample, null for one occurrence), p50_s, p90_s, p95_s, p99_s (numpy's linear
        percentiles): seconds from source to target.
        """
        return self._edges()

    @property
    def activities(self) -> pa.Table:
        """One row per activity, by count, largest first, then by text.

        activity: text; count: events; cases: cases with it; start, end: cases that start and end with it.
        """
        return self._activities()

    @property
    def _table(self) -> pa.Table:
        return self.edges

    def _content(self) -> dict[str, Any]:
        return {"activities": self.activities, "edges": self.edges}

    def __repr__(self) -> str:
        events, starts = (sum(self.activities[name].to_pylist()) for name in ("count", "start"))
        return (
            f"DirectlyFollows of {self.activities.num_rows:,} activities and {self.counts.num_rows:,} edges, "
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
        Told of the counting; returning False cancels. What is made later is not reported.

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
    if len(log.activities) > DENSE_ACTIVITIES:
        edges, activities = sorted_edges(log, RANKS, threads, progress)
        tables = made(_edge_table(log, edges)), made(_activity_table(log, activities))
        return DirectlyFollows(_count_table(log, edges), *tables, LogReference(log))
    counted = dense_counts(log, threads, progress)
    return DirectlyFollows(
        _count_table(log, counted),
        Later(lambda: _edge_table(log, dense_edges(log, RANKS, counted, threads))),
        Later(lambda: _activity_table(log, counted.activities)),
        LogReference(log),
    )


def _order(edges: Edges | Counted) -> NDArray[np.int64]:
    """By count, largest first, then by text; the pairs come in the order of their codes."""
    return np.argsort(-edges.counts, kind="stable")


def _count_table(log: EventLog, edges: Edges | Counted) -> pa.Table:
    order = _order(edges)
    return table(
        {
            "source": log.activity_texts(edges.source[order]),
            "target": log.activity_texts(edges.target[order]),
            "count": edges.counts[order],
        }
    )


def _edge_table(log: EventLog, edges: Edges) -> pa.Table:
    order = _order(edges)
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
    figures = {name: np.asarray(values, dtype=np.float64)[order] for name, values in times.items()}
    figures["stdev_s"] = null_for_nan(figures["stdev_s"])
    counted = _count_table(log, edges)
    columns = dict(zip(counted.column_names, counted.columns, strict=True))
    return table(columns | {"cases": edges.cases[order]} | figures)


def _stdev(n: int, total: int, squares: int) -> float:
    """Return the sample standard deviation in seconds, from exact sums in microseconds."""
    if n < 2:
        return math.nan
    return math.sqrt((n * squares - total * total) / (n * (n - 1))) / MICROSECONDS


def _activity_table(log: EventLog, counts: NDArray[np.int64]) -> pa.Table:
    order = np.argsort(-counts[:, 0], kind="stable")
    columns = {name: counts[order, i] for i, name in enumerate(("count", "cases", "start", "end"))}
    return table({"activity": log.activity_texts(order), **columns})
