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
from dealtrace_engine.analyses.grouping import By
from dealtrace_engine.analyses.milestones import NEVER
from dealtrace_engine.analyses.priced_groups import priced_groups
from dealtrace_engine.analyses.queues import Period, are_over, closings, counted_by_period, open_waits
from dealtrace_engine.analyses.service import service_of_targets, service_times
from dealtrace_engine.analyses.throughput import grouped
from dealtrace_engine.analyses.wait_figures import measured
from dealtrace_engine.analyses.waiting_places import COLUMNS as PLACES
from dealtrace_engine.analyses.waiting_places import WaitingPlaces, waiting_places
from dealtrace_engine.analyses.waits import Waits, waits_of
from dealtrace_engine.analyses.working_time import Calendar
from dealtrace_engine.buffers import arrow, table
from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import Progress
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
    _others: EventLog
    _end: int
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
        rows = table({**self._figures, **service_of_targets(waits, self._threads)}).take(arrow(order))
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
        return {"table": self.table, "service": self.service, **tables, "findings": findings}

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

    @cached_property
    def service(self) -> pa.Table:
        """How long each activity itself takes, the first of a case too, where it is known when it started.

        One row per activity and group, the longest in total first, then by text. The attributes that were
        grouped by; currency, where there are amounts; activity: text; count: events whose start is known;
        cases; total_s, mean_s, p50_s, p90_s: seconds; share: of the service time of all rows, null where
        there is none. No row where no start is known.
        """
        return service_times(self._waits, self._threads)

    def queues(self, period: Period = "week", ends: str | Sequence[str] = ()) -> pa.Table:
        """Return how many cases wait between two activities at the end of each period.

        Parameters
        ----------
        period : {"day", "week"}
            In UTC; weeks begin on Monday.
        ends : str or sequence of str
            Activities, by the log's names or canonical ids, after which a case waits for nothing. By default
            those by which a lead, a deal, an order or a support case is closed or the payment is there, those
            after which no case of the log goes on, and the win in a log of nothing that follows on it; a
            deal that is lost and not reopened waits for nothing, whatever is noted later.

        Returns
        -------
        pyarrow.Table
            The attributes that were grouped by, currency, source, target as in `table` and in its order;
            period: its first instant; arrivals, departures: waits that begin and end in it; waiting: how many
            there are at its end. Periods in which nothing happens or waits are left out. In further rows,
            most waits first, target is null: cases whose next activity is not there yet, which wait since
            their last one until the log ends.

        Raises
        ------
        SchemaError
            There is no such activity.
        ArgumentError
            There is no such period, or there are too many.
        """
        waits, log = self._waits, self._waits.log
        begins, until = log.timestamps[waits.events - 1], waits.starts.microseconds[waits.events]
        if ends:
            over = closings(log, ends, threads=self._threads) != NEVER
        else:
            over = are_over(log, self._others, self._threads)
        source, group, since, sizes = open_waits(log, np.flatnonzero(~over), waits.groups.codes)
        found = counted_by_period(
            np.concatenate((begins, since)),
            np.concatenate((np.maximum(until, begins), np.full(len(since), NEVER))),
            np.concatenate((waits.offsets, waits.offsets[-1] + np.cumsum(sizes))),
            (int(log.span[0]), self._end), period, self._threads,
        )  # fmt: skip
        place = np.arange(len(self._order) + len(sizes))
        place[self._order] = np.arange(len(self._order))
        order = np.argsort(place[found["row"]], kind="stable")
        rows = found["row"][order]
        sources, groups = np.concatenate((waits.source, source)), np.concatenate((waits.group, group))
        targets = pa.array(np.concatenate((waits.target, np.zeros_like(source)))[rows],
                           mask=rows >= len(self._order))  # fmt: skip
        counts = {name: found[name] for name in ("period", "arrivals", "departures", "open")}
        taken = (
            table(counts).take(arrow(order)).rename_columns(["period", "arrivals", "departures", "waiting"])
        )
        return table({
            **waits.groups.columns(groups[rows]),
            "source": log.activity_texts(sources[rows]),
            "target": log.activities.take(targets).cast(pa.string()),
            **{name: taken.column(name).combine_chunks() for name in taken.column_names},
        })  # fmt: skip

    def work_in_progress(
        self, period: Period = "week", ends: str | Sequence[str] = (), reopened: str | Sequence[str] = ()
    ) -> pa.Table:
        """Return how many cases are open at the end of each period, until the log ends.

        A case begins with its first event: when that started, where it is known.

        Parameters
        ----------
        period : {"day", "week"}
            In UTC; weeks begin on Monday.
        ends : str or sequence of str
            Activities, by the log's names or canonical ids, the last of which ends a case: one without any
            stays open. By default every case ends with its last event.
        reopened : str or sequence of str
            Activities that undo the ends before them: a case that is not ended again stays open.

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
            There is no such period, there are too many, or no ends that could be undone.
        """
        if reopened and not ends:
            raise ArgumentError("what reopens a case undoes its ends, and none are named", hint="name ends=")
        log, groups = self._waits.log, self._waits.groups
        begins = np.minimum.reduceat(self._waits.starts.microseconds, log.case_offsets[:-1])
        until = closings(log, ends, reopened, threads=self._threads) if ends else log.case_ends
        first, offsets = grouped(begins, groups.codes, groups.count)
        final, _ = grouped(until, groups.codes, groups.count)
        span = int(begins.min()), self._end
        found = counted_by_period(first, final, offsets, span, period, self._threads)
        return table({**groups.columns(found.pop("row")), **found})

    def __repr__(self) -> str:
        return f"Bottlenecks: {len(self._waits.source):,} rows, {len(self._waits.times):,} waits"


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
    whole, log = log, log if where is None else log.filter(where, threads=threads)
    groups = priced_groups(log, by, value, currency, taken=(*COLUMNS, *PLACES))
    waits = waits_of(log, groups, calendar, threads=threads, progress=progress)
    who = [
        None if name is None or (name == usual and not _is_there(log, name)) else name
        for name, usual in ((resource, RESOURCE), (department, DEPARTMENT))
    ]
    for name in who:
        if name is not None:
            log.attribute(name)  # an unknown one is an error now, not later
    findings = [*groups.findings, *waits.starts.findings]
    others = log if where is None or where.level == "event" else whole
    return Bottlenecks(who[0], who[1], findings, waits, others, whole.span[1], threads, LogReference(log))


def _is_there(log: EventLog, name: str) -> bool:
    return (log.origin.roles.get(name) or name) in log.attribute_names
