"""Throughput times: from the first to the last event of each case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.working_time import Calendar, working_time
from dealtrace_engine.attributes import codes_of, sortable
from dealtrace_engine.buffers import arrow, table
from dealtrace_engine.errors import SchemaError
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import Progress, blocks, map_blocks
from dealtrace_engine.percentiles import MICROSECONDS, group_percentiles, percentile_name
from dealtrace_engine.results import LogReference, Result


@dataclass(frozen=True, eq=False)
class ThroughputTimes(Result):
    """The throughput time of each case.

    Attributes
    ----------
    case_ids : pyarrow.LargeStringArray, shape (cases,)
    microseconds : ndarray of int64, shape (cases,)
        In order of first appearance of the cases.
    """

    case_ids: pa.LargeStringArray
    microseconds: NDArray[np.int64]
    _log: LogReference
    _source: EventLog
    definition: ClassVar[str] = "throughput_times 1"

    @cached_property
    def table(self) -> pa.Table:
        """case_id: text; seconds: float64. Cases in order of first appearance."""
        return table({"case_id": self.case_ids, "seconds": self.microseconds / MICROSECONDS})

    @property
    def _table(self) -> pa.Table:
        return self.table

    def percentiles(self, percentiles: Sequence[float], by: str | None = None) -> Any:
        """Return exact percentiles, of all cases or by a case attribute.

        Parameters
        ----------
        percentiles : sequence of float, shape (k,)
            From 0 to 100.
        by : str, optional
            A case attribute.

        Returns
        -------
        list of float, shape (k,)
            Seconds, where `by` is None.
        pyarrow.Table
            Else: the attribute's value, cases, and one column such as ``p50_s`` per percentile, in seconds;
            by number of cases, largest first, then by value.

        Raises
        ------
        SchemaError
            There is no such column, or it varies within a case.
        ArgumentError
            A percentile is not from 0 to 100.
        """
        if by is None:
            offsets = np.array([0, len(self.microseconds)])
            return [float(x) for x in group_percentiles(self.microseconds.copy(), offsets, percentiles)[0]]
        names = ["cases", *map(percentile_name, percentiles)]
        if by in names:
            raise SchemaError(f"column {by!r} is called like a column of the answer", hint="rename it")
        values = _case_values(self._source, by)
        groups, firsts, numbers = np.unique(codes_of(values), return_index=True, return_inverse=True)
        durations, offsets = grouped(self.microseconds, numbers.astype(np.int32), len(groups))
        figures = group_percentiles(durations, offsets, percentiles)
        chosen, sizes = _decoded(values.take(arrow(firsts))), np.diff(offsets)
        keys = table({"cases": sizes, "value": sortable(chosen)})
        import pyarrow.compute as pc  # late: 50 ms

        order = pc.sort_indices(keys, sort_keys=[("cases", "descending"), ("value", "ascending")])
        columns = dict(zip(names, [sizes, *figures.T], strict=True))
        return table({by: chosen, **columns}).take(order)

    def __repr__(self) -> str:
        median, p90 = self.percentiles([50, 90])
        return (
            f"ThroughputTimes of {len(self.microseconds):,} cases, median {median:,.0f} s, p90 {p90:,.0f} s"
        )


def _decoded(values: pa.Array) -> pa.Array:
    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values


def _case_values(log: EventLog, name: str) -> pa.Array:
    attribute = log.attribute(name)
    if attribute.level != "case":
        raise SchemaError(
            f"column {name!r} varies within cases", file=log.origin.source.label,
            hint="group by a column with one value per case",
        )  # fmt: skip
    return attribute.values


def grouped(
    values: NDArray[np.int64], groups: NDArray[np.int32], count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sort values by group, stably.

    Parameters
    ----------
    values : ndarray of int64, shape (n,)
    groups : ndarray of int32, shape (n,)
        From 0 to `count` - 1.
    count : int
        How many groups there are.

    Returns
    -------
    values : ndarray of int64, shape (n,)
    offsets : ndarray of int64, shape (count + 1,)
    """
    from dealtrace_ext.scatter import count_keys, scatter

    sizes = np.zeros(count, dtype=np.int64)
    count_keys(groups, sizes)
    offsets = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(sizes, out=offsets[1:])
    out, nothing = np.empty(len(values), dtype=np.int64), np.zeros(len(values), dtype=np.uint8)
    rows = np.empty(len(values), dtype=np.uint32)
    scatter(groups, nothing, values, 0, offsets[:-1].copy(), nothing.copy(), out, rows)
    return out, offsets


def throughput_times(
    log: EventLog, *, threads: int | None = None, progress: Progress | None = None
) -> ThroughputTimes:
    """Return the time from the first to the last event of each case.

    Parameters
    ----------
    log : EventLog
    threads : int, optional
        All CPUs by default; the result does not depend on it.
    progress : callable (done, of) -> object, optional
        Returning False cancels.

    Returns
    -------
    ThroughputTimes

    Examples
    --------
    >>> import pyarrow as pa
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1", "1", "2"], "activity": ["a", "b", "a"],
    ...                            "time": ["2024-01-01", "2024-01-03", "2024-01-01"]}))
    >>> throughput_times(log).percentiles([50, 100])
    [86400.0, 172800.0]
    """
    return ThroughputTimes(log.case_ids, case_durations(log, threads, progress), LogReference(log), log)


def case_durations(
    log: EventLog, threads: int | None = None, progress: Progress | None = None,
    calendar: Calendar | None = None,
) -> NDArray[np.int64]:  # fmt: skip
    """Return the throughput time of each case in microseconds, of work by a calendar, shape (cases,)."""
    from dealtrace_ext.groups import first_to_last

    if calendar is not None:
        return working_time(log, calendar, *log.span)(log.case_starts, log.case_ends, np.arange(log.cases))
    out = np.empty(log.cases, dtype=np.int64)
    map_blocks(
        lambda block: first_to_last(log.timestamps, log.case_offsets, *block, out),
        blocks(log.case_offsets), threads=threads, progress=progress,
    )  # fmt: skip
    return out
