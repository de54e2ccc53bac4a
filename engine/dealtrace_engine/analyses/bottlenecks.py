"""Bottlenecks: what waits longest for what, for whom, and what that is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.case_rows import CaseRows
from dealtrace_engine.analyses.edges import exact_moments
from dealtrace_engine.analyses.grouping import By
from dealtrace_engine.analyses.milestones import reached
from dealtrace_engine.analyses.priced_groups import priced_groups
from dealtrace_engine.analyses.queues import Period, counted_by_period
from dealtrace_engine.analyses.throughput import grouped
from dealtrace_engine.analyses.wait_figures import measured
from dealtrace_engine.analyses.waiting_places import WaitingPlaces, waiting_places
from dealtrace_engine.analyses.waits import Waits, waits_of
from dealtrace_engine.analyses.working_time import Calendar
from dealtrace_engine.buffers import arrow, table
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import Progress
from dealtrace_engine.percentiles import group_percentiles
from dealtrace_engine.quality import Finding
from dealtrace_engine.results import LogReference, Result, made

if TYPE_CHECKING:
    from dealtrace_engine.filters.expressions import Expression

RESOURCE, DEPARTMENT = "resource", "department"
COLUMNS = ("source", "target", "count", "cases", "total_s", "mean_s", "p50_s", "p90_s", "share", "cash_days",
           "service_count", "service_total_s", "service_p50_s", "period", "arrivals", "departures",
           "waiting", "open")  # fmt: skip


@dataclass(frozen=True, eq=False)
class Bottlenecks(Result):
    """Every pair of activities that follow each other, by what waits there.

    Attributes
    ----------
    resource, department : str or None
        The attributes that say who did it.
    findings : list of Finding
        What was left out: amounts and start timestamps that are missing or make no sense.
    """

    resource: str | None
    department: str | None
    findings: list[Finding]
    _waits: Waits
    _threads: int | None
    _log: LogReference
    definition: ClassVar[str] = "bottlenecks 1"

    @cached_property
    def _figures(self) -> dict[str, Any]:
        waits = self._waits
        columns = measured(waits.times, waits.offsets, waits.case_counts, self._threads)
        if waits.groups.amounts is not None:
            columns["cash_days"] = waits.cash_days(waits.groups.amounts.units, self._threads)
        return columns

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        """The rows of the waits, in the order of `table`."""
        waits, figures = self._waits, self._figures
        matters = figures.get("cash_days", figures["total_s"])
        keys = (waits.group, waits.target, waits.source, -figures["total_s"], -matters)
        return np.lexsort((*keys, waits.groups.currency_rank(waits.group)))

    @cached_property
    def table(self) -> pa.Table:
        """One row per pair of activities, and group.

        The attributes that were grouped by; currency: text, where there are amounts, null where the log has
        none; source, target: text; count: waits; cases; total_s, mean_s, p50_s, p90_s: waiting time in
        seconds; share of the waiting time of all rows, null where nothing waits; cash_days: sum over the
        waits of amount of the case x days, where there are amounts; service_count, service_total_s,
        service_p50_s: how often it is known how long the target itself took, and how long in seconds, null
        where that is never known.

        By currency, then by cash_days, or total_s where there are no amounts, largest first, then by text.
        """
        waits, order = self._waits, self._order
        names = self._names(order)
        rows = table({**self._figures, **_service(waits, self._threads)}).take(arrow(order))
        return table({**names, **{name: rows.column(name).combine_chunks() for name in rows.column_names}})

    def _names(self, rows: NDArray[np.int64]) -> dict[str, pa.Array]:
        waits = self._waits
        return {
            **waits.groups.columns(waits.group[rows]),
            "source": waits.log.activity_texts(waits.source[rows]),
            "target": waits.log.activity_texts(waits.target[rows]),
        }

    @property
    def _table(self) -> pa.Table:
        return self.table

    def _content(self) -> dict[str, Any]:
        found = {"resources": self.resources, "departments": self.departments}
        tables = {name: None if places is None else places.table for name, places in found.items()}
        findings = [{"reason": finding.reason, "count": finding.count} for finding in self.findings]
        return {"table": self.table, **tables, "findings": findings}

    @cached_property
    def _rows(self) -> CaseRows:
        place = np.empty(len(self._order), dtype=np.int64)
        place[self._order] = np.arange(len(place))
        waits = self._waits
        return CaseRows.of_pairs(made(waits.log.case_ids), place[waits.rows], waits.cases, len(place))

    def cases(self, row: int) -> pa.LargeStringArray:
        """Return the ids of the cases of a row of `table`.

        Raises
        ------
        ArgumentError
            There is no such row.
        """
        return self._rows.cases(row)

    def at(self, attribute: str) -> WaitingPlaces:
        """Return where it waits: by what the events that are waited for say of an attribute.

        Parameters
        ----------
        attribute : str
            Of the event or the case, or the role resource.

        Raises
        ------
        SchemaError
            There is no such column, or it is called like another one of the result.
        """
        return waiting_places(self._waits, attribute, self._threads)

    @cached_property
    def resources(self) -> WaitingPlaces | None:
        """Which person it waits for; None where the log does not know."""
        return None if self.resource is None else self.at(self.resource)

    @cached_property
    def departments(self) -> WaitingPlaces | None:
        """Which department it waits for; None where the log does not know."""
        return None if self.department is None else self.at(self.department)

    def queues(self, period: Period = "week") -> pa.Table:
        """Return how many cases wait between two activities at the end of each period.

        Parameters
        ----------
        period : {"day", "week"}
            In UTC; weeks begin on Monday.

        Returns
        -------
        pyarrow.Table
            The attributes that were grouped by, currency, source, target as in `table` and in its order;
            period: its first instant; arrivals, departures: waits that begin and end in it; waiting: how many
            there are at its end. Periods in which nothing happens or waits are left out.

        Raises
        ------
        ArgumentError
            There is no such period, or there are too many.
        """
        waits, log = self._waits, self._waits.log
        begins, ends = log.timestamps[waits.events - 1], waits.starts.microseconds[waits.events]
        span = log.span
        ends, bounds = np.maximum(ends, begins), (int(span[0]), int(span[1]))
        found = counted_by_period(begins, ends, waits.offsets, bounds, period, self._threads)
        place = np.empty(len(self._order), dtype=np.int64)
        place[self._order] = np.arange(len(place))
        order = np.argsort(place[found["row"]], kind="stable")
        names = self._names(found["row"][order])
        counts = table({name: found[name] for name in ("period", "arrivals", "departures", "open")})
        rows = counts.take(arrow(order)).rename_columns(["period", "arrivals", "departures", "waiting"])
        return table({**names, **{name: rows.column(name).combine_chunks() for name in rows.column_names}})

    def work_in_progress(self, period: Period = "week", ends: Sequence[str] = ()) -> pa.Table:
        """Return how many cases are open at the end of each period.

        Parameters
        ----------
        period : {"day", "week"}
            In UTC; weeks begin on Monday.
        ends : sequence of str
            Activities, by the log's names or canonical ids, the last of which ends a case: one without any
            stays open. By default every case ends with its last event.

        Returns
        -------
        pyarrow.Table
            The attributes that were grouped by, and currency; period: its first instant; arrivals,
            departures: cases that begin and end in it; open: how many there are at its end. By group, then
            period.

        Raises
        ------
        SchemaError
            There is no such activity.
        ArgumentError
            There is no such period, or there are too many.
        """
        log, groups = self._waits.log, self._waits.groups
        begins = log.timestamps[log.case_offsets[:-1]]
        last = log.timestamps[log.case_offsets[1:] - 1]
        until = reached(log, ends, threads=self._threads).lasts if ends else last
        first, offsets = grouped(begins, groups.codes, groups.count)
        final, _ = grouped(until, groups.codes, groups.count)
        span = int(begins.min()), log.span[1]
        found = counted_by_period(first, final, offsets, span, period, self._threads)
        return table({**groups.columns(found.pop("row")), **found})

    def __repr__(self) -> str:
        return f"Bottlenecks: {len(self._waits.source):,} rows, {len(self._waits.times):,} waits"


def _service(waits: Waits, threads: int | None) -> dict[str, Any]:
    """How long the targets themselves took; null where that is not known."""
    rows, known = len(waits.source), waits.starts.known
    if known is None:
        nothing = pa.nulls(rows, pa.float64())
        return {
            "service_count": np.zeros(rows, np.int64), "service_total_s": nothing, "service_p50_s": nothing,
        }  # fmt: skip
    told = known[waits.events]
    events, codes = waits.events[told], waits.rows[told].astype(np.int32)
    begun, ended = waits.starts.microseconds[events], waits.log.timestamps[events]
    measure, cases = waits.measure, waits.cases[told].astype(np.int64)
    taken = ended - begun if measure is None else measure(begun, ended, cases)
    times, offsets = grouped(taken, codes, rows)
    counts = np.diff(offsets)
    totals = np.array([total / 10**6 for total, _ in exact_moments(times, offsets, threads)], np.float64)
    middle = group_percentiles(times, offsets, [50], threads=threads)[:, 0]
    return {
        "service_count": counts,
        "service_total_s": pa.array(totals, mask=counts == 0),
        "service_p50_s": pa.array(middle, mask=counts == 0),
    }


def bottlenecks(
    log: EventLog,
    *,
    by: By = None,
    where: Expression | None = None,
    calendar: Calendar | None = None,
    value: str | None = None,
    currency: str | None = None,
    resource: str | None = RESOURCE,
    department: str | None = DEPARTMENT,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Bottlenecks:
    """Return where cases wait: every pair of activities that follow each other, ranked by what waits there.

    The rank is waiting time x volume x value: the mean wait times how often it happens is the total; weighed
    with the amount of each case it is the cash that waits, in amount x days. A wait is from the end of an
    event to the start of the next one of its case, or to its end where the start is not known; it is nothing
    where the next one starts earlier.

    Parameters
    ----------
    log : EventLog
    by : str or sequence of str, optional
        Attributes of the case.
    where : Expression, optional
        Made with `dealtrace.where`.
    calendar : WorkingCalendar or Calendars, optional
        Waits and services are then working time; cash_days, queues and work in progress stay what they are.
    value : str, optional
        Attribute of the case with its amount. Different currencies are rows of their own.
    currency : str, optional
        Attribute of the case with its currency; found by its name by default.
    resource, department : str or None
        Attributes, or roles, of the event that say who did it. A log without the usual ones is no error.
    threads : int, optional
        All CPUs by default; the result does not depend on it.
    progress : callable (done, of) -> object, optional
        Returning False cancels.

    Returns
    -------
    Bottlenecks

    Raises
    ------
    SchemaError
        There is no such column, it varies within cases, or has no amounts.
    LogError
        Nothing passes the filter.
    ArgumentError
        There are too many groups, or a case has no calendar.

    References
    ----------
    M. Dumas, M. La Rosa, J. Mendling and H. A. Reijers, "Fundamentals of Business Process Management", 2nd
    edition, 2018, chapters 7 and 11: waiting, service and cycle time, and Little's law of work in progress.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1"] * 3, "activity": ["ask", "approve", "sign"],
    ...                            "amount": [100.0] * 3,
    ...                            "time": ["2024-01-01", "2024-01-08", "2024-01-09"]}))
    >>> found = bottlenecks(log, value="amount")
    >>> [(row["target"], row["share"], row["cash_days"]) for row in found.table.to_pylist()]
    [('approve', 0.875, 700.0), ('sign', 0.125, 100.0)]
    >>> found.cases(0).to_pylist()
    ['1']
    """
    log = log if where is None else log.filter(where, threads=threads)
    groups = priced_groups(log, by, value, currency, taken=COLUMNS)
    waits = waits_of(log, groups, calendar, threads=threads, progress=progress)
    who = [
        None if name is None or (name == usual and not _is_there(log, name)) else name
        for name, usual in ((resource, RESOURCE), (department, DEPARTMENT))
    ]
    for name in who:
        if name is not None:
            log.attribute(name)  # an unknown one is an error now, not later
    findings = [*groups.findings, *waits.starts.findings]
    return Bottlenecks(who[0], who[1], findings, waits, threads, LogReference(log))


def _is_there(log: EventLog, name: str) -> bool:
    return (log.origin.roles.get(name) or name) in log.attribute_names
