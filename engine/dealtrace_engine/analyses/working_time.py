"""The working time of cases, each by its own calendar."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.analyses.grouping import groups_of
from dealtrace_engine.buffers import read_only
from dealtrace_engine.calendar import DAY, Calendars, WorkingCalendar, WorkingTime
from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.log import EventLog

Calendar = WorkingCalendar | Calendars
Instants = NDArray[np.int64]


def working_time(
    log: EventLog, calendar: Calendar, first: int, last: int
) -> Callable[[Instants, Instants, NDArray[np.int64]], NDArray[np.int64]]:
    """Return what tells the working time between instants of cases.

    Parameters
    ----------
    log : EventLog
    calendar : WorkingCalendar or Calendars
    first, last : int
        Between which instants that will be, in microseconds since 1970-01-01 UTC.

    Returns
    -------
    callable (sources, targets, cases) -> ndarray of int64, shape (pairs,)
        Microseconds; all shapes are (pairs,).

    Raises
    ------
    SchemaError
        There is no such attribute, or it varies within cases.
    ArgumentError
        This is no calendar, or a case has none.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1"], "activity": ["a"], "time": ["2024-01-01"]}))
    >>> hour, start = 3_600_000_000, int(log.timestamps[0])
    >>> measure = working_time(log, WorkingCalendar("UTC"), start, start + 12 * hour)
    >>> measure(np.array([start]), np.array([start + 12 * hour]), np.array([0])) // hour
    array([3])
    """
    calendars, codes = calendars_of(log, calendar)
    layout = WorkingTime.of(calendars, first, last)
    return lambda sources, targets, cases: layout.between(sources, targets, codes[cases])


def working_clock(
    log: EventLog, calendar: Calendar, at: int, *, threads: int | None = None
) -> NDArray[np.int64]:
    """Return when events happen by a clock that runs in working hours only.

    The time between two events of a case by that clock is the working time between them.

    Parameters
    ----------
    log : EventLog
    calendar : WorkingCalendar or Calendars
    at : int
        The instant, in microseconds since 1970-01-01 UTC, at which the clock of each case shows the time.
    threads : int, optional

    Returns
    -------
    ndarray of int64, shape (events,)
        Microseconds; negative ones are possible.

    Raises
    ------
    SchemaError, ArgumentError
        See `working_time`.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1"] * 2, "activity": ["a"] * 2,
    ...                            "time": ["2024-01-05 16:00", "2024-01-08 10:00"]}))
    >>> clock = working_clock(log, WorkingCalendar("UTC"), int(log.timestamps[1]))
    >>> (clock[1] - clock) // 3_600_000_000
    array([2, 0])
    """
    calendars, codes = calendars_of(log, calendar)
    first, last = log.span
    first, last = min(first, at), max(last, at)
    layout = WorkingTime.of(calendars, first, last)
    every = np.arange(len(calendars), dtype=np.int32)
    begin, now = np.full(len(calendars), first, dtype=np.int64), np.full(len(calendars), at, dtype=np.int64)
    worked = layout.between(begin, now, every)
    of_event = np.repeat(codes, np.diff(log.case_offsets))
    clock = layout.between(np.full(log.events, first, dtype=np.int64), log.timestamps, of_event, threads)
    clock += (at - worked)[of_event]
    return read_only(clock)


def elapsed_time(
    log: EventLog, calendar: Calendar, starts: Instants, cases: NDArray[np.int64], longest: Instants
) -> Callable[[Instants, NDArray[np.int64]], Instants]:
    """Return what tells how long, by the clock, work takes: until so much of it can be done.

    Parameters
    ----------
    log : EventLog
    calendar : WorkingCalendar or Calendars
    starts : ndarray of int64, shape (n,)
        When work begins, in microseconds since 1970-01-01 UTC; within the log.
    cases : ndarray of int64, shape (n,)
        Whose work it is.
    longest : ndarray of int64, shape (n,)
        Microseconds of work that will be asked for at most.

    Returns
    -------
    callable (work, places) -> ndarray of int64, shape (m,)
        Microseconds by the clock, for work of cases at some places of `starts`; all shapes are (m,).

    Raises
    ------
    SchemaError, ArgumentError
        See `working_time`; or work would not be done before the year 9999.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1"], "activity": ["a"], "time": ["2024-01-05 16:00"]}))
    >>> hour, place = 3_600_000_000, np.array([0])
    >>> took = elapsed_time(log, WorkingCalendar("UTC"), log.timestamps, place, np.array([2 * hour]))
    >>> [int(took(np.array([hours * hour]), place)[0]) // hour for hours in (1, 2)]
    [1, 66]
    """
    calendars, codes = calendars_of(log, calendar)
    codes, (first, last) = codes[cases], log.span
    while True:
        layout = WorkingTime.of(calendars, first, last)
        done = layout.between(np.full(len(starts), layout.first_day * DAY), starts, codes)
        if (done + longest <= layout.in_all[codes]).all():
            break
        last += max(last - first, 366 * DAY)

    def elapsed(work: Instants, places: NDArray[np.int64]) -> Instants:
        ends = layout.instants(done[places] + work, codes[places])
        return np.asarray(np.maximum(ends - starts[places], 0))

    return elapsed


def calendars_of(log: EventLog, calendar: Calendar) -> tuple[list[WorkingCalendar], NDArray[np.int32]]:
    """Return calendars, and which of them each case has, shape (cases,); see `working_time`."""
    if isinstance(calendar, WorkingCalendar):
        return [calendar], np.zeros(log.cases, dtype=np.int32)
    if not isinstance(calendar, Calendars):
        raise ArgumentError(f"a calendar is a WorkingCalendar or Calendars, got {calendar!r}")
    groups = groups_of(log, calendar.by)
    own = [calendar.calendars.get(key, calendar.default) for key in groups.keys[calendar.by].to_pylist()]
    lacking = [groups.label(group) for group, one in enumerate(own) if one is None]
    if lacking:
        named = ", ".join(map(repr, lacking[:5])) + (f" and {len(lacking) - 5} more" if lacking[5:] else "")
        raise ArgumentError(f"there is no calendar for {named} in {calendar.by!r}", hint="give a default=")
    distinct = list({id(one): one for one in own if one is not None}.values())
    place = {id(one): number for number, one in enumerate(distinct)}
    return distinct, np.array([place[id(one)] for one in own], dtype=np.int32)[groups.codes]
