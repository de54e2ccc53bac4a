"""Every wait between two events that follow each other, row after row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.analyses.edges import _times, dense_counts, sum_of
from dealtrace_engine.analyses.priced_groups import PricedGroups
from dealtrace_engine.analyses.starts import Starts, starts_of
from dealtrace_engine.analyses.wait_figures import cash_days, days_of, distinct_counts
from dealtrace_engine.analyses.working_time import Calendar, Instants, working_time
from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import Progress, blocks, cut_evenly, map_blocks, thread_count, tick
from dealtrace_engine.results import Later, made

MOST_ACTIVITIES = 2_048
"""Up to so many, pairs are looked up in a table of all of them."""
MOST_ROWS = 1 << 25
Measure = Callable[[Instants, Instants, NDArray[np.int64]], NDArray[np.int64]]


@dataclass(frozen=True, eq=False)
class Waits:
    """The waits of a log in rows: a row is a pair of activities in a group of cases.

    Attributes
    ----------
    log : EventLog
    groups : PricedGroups
    starts : Starts
    source, target, group : ndarray of int64, shape (rows,)
        Codes of the activities, and the group.
    offsets : ndarray of int64, shape (rows + 1,)
        Where the waits of each row begin.
    times : ndarray of int64, shape (waits,)
        Microseconds, of work where there is a calendar.
    calendar : WorkingCalendar or Calendars, optional
    """

    log: EventLog
    groups: PricedGroups
    starts: Starts
    source: NDArray[np.int64]
    target: NDArray[np.int64]
    group: NDArray[np.int64]
    offsets: NDArray[np.int64]
    times: NDArray[np.int64]
    _pairs: Later[NDArray[np.uint32]]
    calendar: Calendar | None = None
    _case_counts: NDArray[np.int64] | None = None
    _numbered: Later[tuple[NDArray[np.int32], NDArray[np.int64]]] | None = None

    @property
    def pairs(self) -> NDArray[np.uint32]:
        """Which pair of events each wait is, shape (waits,); see `dealtrace_engine.kernels.waiting`."""
        return self._pairs()

    @cached_property
    def case_counts(self) -> NDArray[np.int64]:
        """How many cases each row has, shape (rows,)."""
        return distinct_counts(self.cases, self.offsets) if self._case_counts is None else self._case_counts

    def cash_days(self, units: NDArray[np.int64], threads: int | None = None) -> NDArray[np.float64]:
        """Return the sum of amount x days of each row, from exact sums, shape (rows,).

        Parameters
        ----------
        units : ndarray of int64, shape (cases,)
            Amounts in 1/10,000.
        threads : int, optional
        """
        from dealtrace_engine.kernels.waiting import amount_times_by_row

        if self._numbered is None:
            return cash_days(self.elapsed, self.cases, self.offsets, units, threads)
        (rows, times), offsets = self._numbered(), self.log.case_offsets

        def add(span: tuple[int, int]) -> NDArray[np.int64]:
            limbs = np.zeros(4 * len(self.source), dtype=np.int64)
            amount_times_by_row(times, rows, offsets, *span, units, limbs)
            return limbs

        parts = map_blocks(add, cut_evenly(offsets, 2 * thread_count(threads)), threads=threads)
        return days_of(sum_of(parts))

    @property
    def measure(self) -> Measure | None:
        """What tells working time, where there is a calendar."""
        return None if self.calendar is None else _measure(self.log, self.calendar, self.starts)

    @cached_property
    def elapsed(self) -> NDArray[np.int64]:
        """Microseconds of each wait, whatever the calendar, shape (waits,)."""
        if self.calendar is None:
            return self.times
        begun = self.log.timestamps[self.events - 1]
        waited: NDArray[np.int64] = self.starts.microseconds[self.events] - begun
        return waited.clip(min=0)

    @cached_property
    def cases(self) -> NDArray[np.int32]:
        """The case of each wait, shape (waits,); rising in each row."""
        sizes = np.diff(self.log.case_offsets) - 1
        return np.repeat(np.arange(self.log.cases, dtype=np.int32), sizes)[self.pairs]

    @cached_property
    def events(self) -> NDArray[np.int64]:
        """The event that is waited for, shape (waits,)."""
        return self.pairs.astype(np.int64) + self.cases + 1

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """The row of each wait, shape (waits,)."""
        return np.repeat(np.arange(len(self.source)), np.diff(self.offsets))


def waits_of(
    log: EventLog, groups: PricedGroups, calendar: Calendar | None = None, *, threads: int | None = None,
    progress: Progress | None = None,
) -> Waits:  # fmt: skip
    """Return every wait of a log, in rows.

    Parameters
    ----------
    log : EventLog
    groups : PricedGroups
    calendar : WorkingCalendar or Calendars, optional
    threads : int, optional
    progress : callable (done, of) -> object, optional

    Raises
    ------
    ArgumentError
        There are too many groups, or a case has no calendar.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from dealtrace_engine.analyses.priced_groups import priced_groups
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1"] * 3, "activity": ["a", "b", "b"],
    ...                            "time": ["2024-01-01", "2024-01-02", "2024-01-05"]}))
    >>> found = waits_of(log, priced_groups(log))
    >>> (found.times // 86_400_000_000).tolist(), found.target.tolist()
    ([1, 3], [1, 1])
    """
    starts = starts_of(log)
    measure = None if calendar is None else _measure(log, calendar, starts)
    if (
        measure is None
        and groups.count == 1
        and starts.known is None
        and len(log.activities) <= MOST_ACTIVITIES
    ):
        return _of_edges(log, groups, starts, threads, progress)
    numbers, found = _row_numbers(log, groups, threads)
    tick(progress, 1, 3)
    times = _times_of_pairs(log, starts, threads) if measure is None else _working_times(log, starts, measure)
    tick(progress, 2, 3)
    rows, offsets, times, pairs = in_rows(numbers, max(len(found), 1) * groups.count, times, threads)
    tick(progress, 3, 3)
    group, edge = np.divmod(rows, max(len(found), 1))
    source, target = np.divmod(found[edge], len(log.activities))
    return Waits(log, groups, starts, source, target, group, offsets, times, made(pairs), calendar)


def _measure(log: EventLog, calendar: Calendar, starts: Starts) -> Measure:
    first = min(int(starts.microseconds.min()), log.span[0])
    return working_time(log, calendar, first, log.span[1])


def _working_times(log: EventLog, starts: Starts, measure: Measure) -> NDArray[np.int64]:
    inside = np.ones(log.events, dtype=np.bool_)
    inside[log.case_offsets[:-1]] = False
    at = np.flatnonzero(inside)
    begun = log.timestamps[at - 1]
    cases = np.repeat(np.arange(log.cases), np.diff(log.case_offsets) - 1)
    return measure(begun, np.maximum(starts.microseconds[at], begun), cases)


def _of_edges(
    log: EventLog, groups: PricedGroups, starts: Starts, threads: int | None, progress: Progress | None
) -> Waits:
    """Return waits of one group, from event to event: which pairs they are is found when it is asked for."""
    counted = dense_counts(log, threads)
    tick(progress, 1, 2)
    offsets = np.concatenate(([0], np.cumsum(counted.counts)))
    times, cases = _times(log, counted, offsets, threads)
    tick(progress, 2, 2)

    def numbered() -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        return _row_numbers(log, groups, threads)[0], _times_of_pairs(log, starts, threads)

    each = Later(numbered)
    pairs = Later(lambda: in_rows(each()[0], max(len(counted.found), 1), each()[1], threads)[3])
    edges = counted.source, counted.target, np.zeros(len(cases), dtype=np.int64)
    return Waits(log, groups, starts, *edges, offsets, times, pairs, None, cases, each)


def _times_of_pairs(log: EventLog, starts: Starts, threads: int | None) -> NDArray[np.int64]:
    from dealtrace_engine.kernels.waiting import waits

    out = np.empty(log.events - log.cases, dtype=np.int64)
    # Kernels are compiled for arrays that can be written, which a column of the log cannot.
    begun = starts.microseconds if starts.microseconds.flags.writeable else starts.microseconds.copy()
    map_blocks(
        lambda block: waits(log.timestamps, begun, log.case_offsets, *block, out),
        blocks(log.case_offsets), threads=threads,
    )  # fmt: skip
    return out


def _row_numbers(
    log: EventLog, groups: PricedGroups, threads: int | None
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the row of each pair of events, counted over all that could be, and the pairs of activities."""
    from dealtrace_engine.kernels.waiting import pair_rows

    width, codes, numbers = len(log.activities), log.activity_codes, np.empty(0, dtype=np.int32)
    if width > MOST_ACTIVITIES:
        inside = np.ones(log.events, dtype=np.bool_)
        inside[log.case_offsets[:-1]] = False
        at = np.flatnonzero(inside)
        keys = codes[at - 1].astype(np.int64) * width + codes[at]
        found, edge = np.unique(keys, return_inverse=True)
        _check_rows(len(found) * groups.count)
        of_pair = np.repeat(groups.codes, np.diff(log.case_offsets) - 1).astype(np.int64)
        return (of_pair * len(found) + edge).astype(np.int32), found
    found = dense_counts(log, threads).found
    _check_rows(len(found) * groups.count)
    places = np.zeros(width * width, dtype=np.int32)
    places[found] = np.arange(len(found), dtype=np.int32)
    numbers = np.empty(log.events - log.cases, dtype=np.int32)
    map_blocks(
        lambda block: pair_rows(
            codes, log.case_offsets, *block, width, places, len(found), groups.codes, numbers
        ),
        blocks(log.case_offsets), threads=threads,
    )  # fmt: skip
    return numbers, found


def _check_rows(rows: int) -> None:
    if rows > MOST_ROWS:
        raise ArgumentError(f"there would be {rows:,} rows", hint="group by an attribute with fewer values")


def in_rows(
    numbers: NDArray[np.int32], count: int, times: NDArray[np.int64], threads: int | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.uint32]]:
    """Sort times by row, stably.

    Parameters
    ----------
    numbers : ndarray of int32, shape (n,)
        From 0 to `count` - 1.
    count : int
    times : ndarray of int64, shape (n,)
    threads : int, optional

    Returns
    -------
    rows : ndarray of int64, shape (rows,)
        The numbers that occur.
    offsets : ndarray of int64, shape (rows + 1,)
    times : ndarray of int64, shape (n,)
    positions : ndarray of uint32, shape (n,)
        Where each was.

    Examples
    --------
    >>> [found.tolist() for found in in_rows(np.array([3, 1, 3], np.int32), 5, np.array([7, 8, 9]))]
    [[1, 3], [0, 1, 3], [8, 7, 9], [1, 0, 2]]
    """
    from dealtrace_ext.scatter import count_keys, scatter

    sizes = np.zeros(count, dtype=np.int64)
    count_keys(numbers, sizes)
    bounds = np.concatenate(([0], np.cumsum(sizes)))
    out, nothing = np.empty(len(times), dtype=np.int64), np.zeros(len(times), dtype=np.uint8)
    positions, cursors, unused = np.empty(len(times), dtype=np.uint32), bounds[:-1].copy(), nothing.copy()

    def move(span: tuple[int, int]) -> None:
        first, last = span
        scatter(numbers, nothing, times, 0, cursors, unused, out, positions, first=first, last=last)

    map_blocks(move, cut_evenly(bounds, thread_count(threads)), threads=threads)
    rows = np.flatnonzero(sizes)
    return rows, np.append(bounds[rows], len(times)), out, positions
