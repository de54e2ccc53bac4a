"""Times between milestones; those of lead-to-cash, unless others are named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dealtrace_engine.analyses.grouping import By
from dealtrace_engine.analyses.segment_ends import Pairs
from dealtrace_engine.analyses.segments import Segments, segment_times
from dealtrace_engine.analyses.working_time import Calendar
from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.filters.expressions import Expression
from dealtrace_engine.lead_to_cash.moved_ends import moved_segments
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import Progress


def segments(
    log: EventLog, pairs: Pairs | None = None, *, ends: Mapping[str, Any] | None = None, by: By = None,
    where: Expression | None = None, calendar: Calendar | None = None, value: str | None = None,
    currency: str | None = None, percentiles: Sequence[float] = (50, 90, 95), threads: int | None = None,
    progress: Progress | None = None,
) -> Segments:  # fmt: skip
    """Return the time between milestones, and which cases never got from one to the other.

    Parameters
    ----------
    log : EventLog
    pairs : sequence of Segment or of (source, target), or mapping of str to (source, target), optional
        `LEAD_TO_CASH_SEGMENTS` by default; of those, activities that the log does not have are noted. See
        `segment_times`.
    ends : mapping of str to (source, target), optional
        Where ready segments begin and end instead; by default those of ``[ends]`` of the mapping file by
        which the export was read. See `lead_to_cash_segments`.
    by : str or sequence of str, optional
        Attributes of the case; a row for each of their values.
    where : Expression, optional
        Only of what passes this filter.
    calendar : WorkingCalendar or Calendars, optional
        Times are of work by it, instead of by the clock.
    value : str, optional
        Attribute of the case with its amount.
    currency : str, optional
        Attribute of the case with its currency; found by its name by default.
    percentiles : sequence of float
        From 0 to 100.
    threads : int, optional
        All CPUs by default; the result does not depend on it.
    progress : callable (done, of) -> object, optional
        Returning False cancels.

    Raises
    ------
    SchemaError
        There is no such activity or attribute, or it varies within cases, or has no amounts.
    LogError
        The log has no start timestamps, and a segment's end is one; or nothing passes the filter.
    ArgumentError
        The segments or the percentiles are none; a case has no calendar; or `ends` are given for
        other than the ready segments.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1"] * 2, "activity": ["Quote Created", "Quote Accepted"],
    ...                            "time": ["2024-01-01", "2024-01-03"]}))
    >>> rows = segments(log).table.to_pylist()
    >>> [(row["segment"], row["p50_s"]) for row in rows if row["reached"]]
    [('K9.D', 172800.0)]
    """
    if pairs is not None and ends is not None:
        raise ArgumentError("ends move the ready segments only", hint="give either pairs or ends")
    return segment_times(
        log, moved_segments(log, ends) if pairs is None else pairs, by=by, where=where,
        calendar=calendar, value=value, currency=currency, percentiles=percentiles, missing=pairs is None,
        threads=threads, progress=progress,
    )  # fmt: skip
