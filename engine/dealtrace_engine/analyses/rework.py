"""Rework: what is done again, by kind, activity and case, with its time and money."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.automation import automation_candidates
from dealtrace_engine.analyses.case_rows import CaseRows
from dealtrace_engine.analyses.edges import exact_moments
from dealtrace_engine.analyses.grouping import By
from dealtrace_engine.analyses.priced_groups import exact_sums, money, priced_groups
from dealtrace_engine.analyses.repeated import AGAIN, DOERS, KINDS, LAST, NAMES, STAGE, Repeated, repeated
from dealtrace_engine.analyses.rework_kinds import by_case, counted, kinds
from dealtrace_engine.analyses.rework_loops import HOUR_S, loops, redundant_steps
from dealtrace_engine.analyses.starts import Starts, starts_of
from dealtrace_engine.analyses.throughput import grouped
from dealtrace_engine.analyses.wait_figures import cash_days
from dealtrace_engine.analyses.working_time import Calendar, working_clock, working_time
from dealtrace_engine.buffers import arrow, table
from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import Progress
from dealtrace_engine.percentiles import group_percentiles
from dealtrace_engine.quality import Finding
from dealtrace_engine.results import LogReference, Result, made

if TYPE_CHECKING:
    from dealtrace_engine.filters.expressions import Expression

RESOURCE, STAGE_COLUMN = "resource", "stage"
STAGES = (STAGE_COLUMN, "stage_to")
"""The second is what logs of CRM exports call it, where ``stage`` is that of the case today."""
Which = Literal["rework", "stage_return"]
WHICH: tuple[Which, ...] = ("rework", "stage_return")
COLUMNS = (
    "activity", "events", "cases", "rework_events", "rework_cases", "rework_share", "self_loops",
    "repetitions", "by_same", "by_other", "by_unknown", "stage_returns", "total_s", "mean_s", "p50_s",
    "p90_s", "service_s", "cost", "value", "cash_days", "kind", "doer", "share", "direction", "neighbour",
    "count", "quick_count", "quick_share", "redundant", "note",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Rework(Result):
    """What is done again in the cases of a log.

    Attributes
    ----------
    resource, stage : str or None
        The attributes that say who did it, and in which stage.
    cost_per_hour : float or None
    calendar : WorkingCalendar or Calendars, or None
        By which times are told.
    findings : list of Finding
        Amounts and start timestamps that are missing or make no sense.
    """

    resource: str | None
    stage: str | None
    cost_per_hour: float | None
    calendar: Calendar | None
    findings: list[Finding]
    _repeated: Repeated
    _by_clock: Repeated
    _starts: Starts
    _threads: int | None
    _log: LogReference
    definition: ClassVar[str] = "rework 1"

    @cached_property
    def _places(self) -> NDArray[np.int64]:
        """The rows of the tallies, in the order of `table`."""
        return np.flatnonzero(self._repeated.tallies[:, 3:].any(axis=1))

    @cached_property
    def _place_of(self) -> NDArray[np.int32]:
        """Where each row of the tallies is in `_places`; -1 where it is not."""
        place = np.full(len(self._repeated.tallies), -1, dtype=np.int32)
        place[self._places] = np.arange(len(self._places), dtype=np.int32)
        return place

    @cached_property
    def _spans(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """The time of each case and activity that is done again, place by place; its case; the offsets."""
        return self._spans_of(self._repeated)

    def _spans_of(self, found: Repeated) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        last = (found.marks[found.again[0]] & LAST) > 0
        cases, rows = (each[last] for each in found.again[1:])
        at = self._place_of[rows]
        times, offsets = grouped(found.spans[last], at, len(self._places))
        return times, grouped(cases, at, len(self._places))[0], offsets

    @cached_property
    def _figures(self) -> dict[str, Any]:
        times, cases, offsets = self._spans
        found, counts, amounts = self._repeated, np.diff(offsets), self._repeated.groups.amounts
        sums = [total for total, _ in exact_moments(times, offsets, self._threads)]
        total, none = np.array([each / 10**6 for each in sums], np.float64), counts == 0
        means = np.array([t / (max(n, 1) * 10**6) for t, n in zip(sums, counts.tolist(), strict=True)])
        middle = group_percentiles(times, offsets, [50, 90], threads=self._threads)
        columns = {
            **counted(found.tallies[self._places]),
            "total_s": total,
            "mean_s": pa.array(means, mask=none),
            "p50_s": pa.array(middle[:, 0], mask=none),
            "p90_s": pa.array(middle[:, 1], mask=none),
            **self._service(),
        }
        if amounts is not None:
            codes = np.repeat(np.arange(len(counts)), counts)
            columns["value"] = money(exact_sums(amounts.units[cases], codes, len(counts)))
            numbers = cases.astype(np.int32)
            whole = times if self.calendar is None else self._spans_of(self._by_clock)[0]
            columns["cash_days"] = cash_days(whole, numbers, offsets, amounts.units, self._threads)
        return columns

    def _service(self) -> dict[str, pa.Array]:
        """How long what is done again itself took, and what that cost; null where that is not known."""
        rows, known = len(self._places), self._starts.known
        taken = pa.nulls(rows, pa.float64())
        if known is not None:
            events, cases, of = self._repeated.again
            told = known[events]
            at = self._place_of[of[told]]
            log, begins = self._repeated.log, self._starts.microseconds[events[told]]
            times = log.timestamps[events[told]] - begins
            if self.calendar is not None:
                first = int(begins.min(initial=log.span[0]))
                measure = working_time(log, self.calendar, first, log.span[1])
                times = measure(begins, begins + times, cases[told])
            sums = np.array([each / 10**6 for each in exact_sums(times, at, rows)], np.float64)
            taken = pa.array(sums, mask=np.bincount(at, minlength=rows) == 0)
        if self.cost_per_hour is None:
            return {"service_s": taken}
        cost = [None if each is None else each / HOUR_S * self.cost_per_hour for each in taken.to_pylist()]
        return {"service_s": taken, "cost": pa.array(cost, pa.float64())}

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        figures, groups = self._figures, self._repeated.groups
        group, activity = np.divmod(self._places, len(self._repeated.log.activities))
        matters = -figures.get("cash_days", figures["total_s"])
        keys = (group, activity, -figures["rework_events"], -figures["total_s"], matters)
        return np.lexsort((*keys, groups.currency_rank(group)))

    @cached_property
    def table(self) -> pa.Table:
        """One row per activity that is done again or returns to a stage, and group.

        The attributes that were grouped by; currency, where there are amounts; activity: text; events; cases:
        with the activity; rework_events: events whose activity is there before in their case; rework_cases;
        rework_share: of the cases; self_loops, repetitions: rework events that come directly after the same
        activity, and later; by_same, by_other, by_unknown: rework events by who did it; stage_returns: events
        that return to a stage that the case had left; total_s, mean_s, p50_s, p90_s: seconds from the first
        to the last time it is done in a case, over the cases in which it is done again, null where there are
        none; service_s: seconds of work of the rework events, null where no start is known; cost: those at
        the cost per hour, where that is given; value: amounts of the cases in which it is done again, and
        cash_days: sum of amount x days of the same time as total_s, where there are amounts. With a calendar
        all times are of work; cash_days stays by the clock.

        By currency, then by cash_days, or total_s where there are no amounts, largest first, then by text.
        """
        order, log, groups = self._order, self._repeated.log, self._repeated.groups
        group, activity = np.divmod(self._places[order], len(log.activities))
        rows = table(self._figures).take(arrow(order))
        return table({
            **groups.columns(group),
            "activity": log.activity_texts(activity),
            **{name: rows.column(name).combine_chunks() for name in rows.column_names},
        })  # fmt: skip

    @property
    def _table(self) -> pa.Table:
        return self.table

    def _content(self) -> dict[str, Any]:
        findings = [{"reason": finding.reason, "count": finding.count} for finding in self.findings]
        return {
            "table": self.table, "kinds": self.kinds, "loops": self.loops, "redundant": self.redundant(),
            "automation": self.automation, "findings": findings,
        }  # fmt: skip

    @cached_property
    def _rows(self) -> CaseRows:
        return self._rows_with(AGAIN)

    @cached_property
    def _returns(self) -> CaseRows:
        return self._rows_with(STAGE)

    def _rows_with(self, mark: int) -> CaseRows:
        _, cases, rows = self._repeated.marked(mark)
        place = np.empty(len(self._order), dtype=np.int64)
        place[self._order] = np.arange(len(place))
        at = place[self._place_of[rows]]
        return CaseRows.of_pairs(made(self._repeated.log.case_ids), at, cases, len(place))

    def cases(self, row: int, which: Which = "rework") -> pa.LargeStringArray:
        """Return the ids of the cases of a row of `table`: its rework_cases, or those that return to a stage.

        Parameters
        ----------
        row : int
        which : {"rework", "stage_return"}
            Whether its activity is done again, or goes back to a stage that the case had left.

        Raises
        ------
        ArgumentError
            There is no such row, or no such choice.
        """
        if which not in WHICH:
            raise ArgumentError(f"which is 'rework' or 'stage_return', got {which!r}")
        return (self._rows if which == "rework" else self._returns).cases(row)

    @cached_property
    def by_case(self) -> pa.Table:
        """One row per case, in the order of the log.

        case_id; rework_events; self_loops, repetitions; by_same, by_other, by_unknown; stage_returns;
        rework_s: seconds during which anything that is done again is between its first and its last time.
        """
        return by_case(self._repeated)

    @cached_property
    def kinds(self) -> pa.Table:
        """One row per kind of rework, doer, and group; those that there are.

        The attributes that were grouped by; currency, where there are amounts; kind: self_loop, repetition or
        stage_return; doer: same or other, null where that is not known or makes no difference; events; cases;
        share: of the cases of the group, in the currency where there is one; total_s: seconds since it was
        done the time before, or since the stage was left; value: amounts of the cases, where there are
        amounts. By currency, then by total_s, largest first, then by kind.
        """
        return kinds(self._repeated)

    def cases_of(self, kind: str, doer: str | None = None) -> pa.LargeStringArray:
        """Return the ids of the cases with a kind of rework, by the same or another resource, or whoever.

        Raises
        ------
        ArgumentError
            There is no such kind.
        """
        chosen = [k for k in range(KINDS) if NAMES[k] == kind and doer in (None, DOERS[k])]
        if not chosen:
            raise ArgumentError(f"there is no rework of kind {kind!r} by {doer!r}",
                                hint="kinds are self_loop, repetition and stage_return")  # fmt: skip
        has = (self._repeated.counts[:, chosen] > 0).any(axis=1)
        return self._repeated.log.case_ids.take(arrow(np.flatnonzero(has)))

    @cached_property
    def loops(self) -> pa.Table:
        """What leads back to an activity that was done before, and where it goes then; see `rework_loops`."""
        return loops(self._repeated)

    def redundant(self, within_s: float = HOUR_S) -> pa.Table:
        """Return steps that the same resource soon does again; see `rework_loops.redundant_steps`.

        Parameters
        ----------
        within_s : float
            What soon is, in seconds.

        Raises
        ------
        ArgumentError
            The time is below zero.
        """
        return redundant_steps(self._repeated, within_s)

    @cached_property
    def automation(self) -> pa.Table:
        """Activities by how much there is to win from automating them; see `automation_candidates`."""
        return automation_candidates(
            self._repeated.log, resource=self.resource, calendar=self.calendar, threads=self._threads
        )

    def __repr__(self) -> str:
        events, cases = (
            int(self._repeated.counts[:, :6].sum()),
            int((self._repeated.counts[:, :6] > 0).any(1).sum()),
        )
        return f"Rework: {events:,} events in {cases:,} of {self._repeated.log.cases:,} cases"


def rework(
    log: EventLog,
    *,
    by: By = None,
    where: Expression | None = None,
    calendar: Calendar | None = None,
    value: str | None = None,
    currency: str | None = None,
    resource: str | None = RESOURCE,
    stage: str | None = STAGE_COLUMN,
    cost_per_hour: float | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Rework:
    """Return what is done again in the cases of a log, by kind, activity and case.

    An event is rework if its case has its activity before: directly before it (a self-loop) or earlier (a
    repetition). A self-loop is by the same resource as the event before, a repetition by that of the first
    one (in edeaR's words "repeat", else "redo"). edeaR counts a run of self-loops by one resource once, with
    its size; here each event counts that is done again.

    Parameters
    ----------
    log : EventLog
    by : str or sequence of str, optional
        Attributes of the case.
    where : Expression, optional
        Made with `dealtrace.where`.
    calendar : WorkingCalendar or Calendars, optional
        All times are then working time, and with them costs; cash_days stays what it is.
    value : str, optional
        Attribute of the case with its amount. Different currencies are rows of their own.
    currency : str, optional
        Attribute of the case with its currency; found by its name by default.
    resource, stage : str or None
        Attributes, or roles, that say who did it, and in which stage the case is then (or where it goes to,
        and null where it stays). A log without the usual ones, ``stage_to`` among them, is no error.
    cost_per_hour : float, optional
        What an hour of work costs: of what is done again, where the log knows when it started.
    threads : int, optional
        All CPUs by default; the result does not depend on it.
    progress : callable (done, of) -> object, optional
        Returning False cancels.

    Returns
    -------
    Rework

    Raises
    ------
    SchemaError
        There is no such column, it varies within cases, or has no amounts.
    LogError
        Nothing passes the filter.
    ArgumentError
        There are too many groups, an hour costs less than nothing, or a case has no calendar.

    References
    ----------
    M. Swennen, G. Janssenswillen, M. Jans, B. Depaire and K. Vanhoof, "Capturing process behavior with
    log-based process metrics", SIMPDA 2015, CEUR 1527: self-loops and repetitions, repeat and redo.

    Examples
    --------
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1"] * 4, "activity": ["quote", "revise", "quote", "quote"],
    ...                            "time": ["2024-01-01", "2024-01-02", "2024-01-04", "2024-01-05"],
    ...                            "resource": ["Ann", "Bo", "Cy", "Cy"]}))
    >>> found = rework(log)
    >>> [(row["kind"], row["doer"], row["total_s"] / 86_400) for row in found.kinds.to_pylist()]
    [('repetition', 'other', 3.0), ('self_loop', 'same', 1.0)]
    >>> found.table["activity"].to_pylist(), found.cases(0).to_pylist()
    (['quote'], ['1'])
    >>> from dealtrace_engine.calendar import WorkingCalendar
    >>> office = rework(log, calendar=WorkingCalendar("UTC", {"mon-fri": "09:00-17:00"}))
    >>> office.table["total_s"][0].as_py() / 3600
    32.0
    """
    if cost_per_hour is not None and not (
        isinstance(cost_per_hour, Real) and 0 <= cost_per_hour < float("inf")
    ):
        raise ArgumentError(f"an hour costs a number from 0, got {cost_per_hour!r}")
    log = log if where is None else log.filter(where, threads=threads)
    groups = priced_groups(log, by, value, currency, taken=COLUMNS)
    who = None if resource is None or (resource == RESOURCE and not _is_there(log, resource)) else resource
    stages = _usual_stage(log) if stage == STAGE_COLUMN else stage
    clock = None if calendar is None else working_clock(log, calendar, log.span[0], threads=threads)
    found = repeated(log, groups, who, stages, clock=clock, threads=threads, progress=progress)
    by_clock, starts = found, starts_of(log)
    if clock is not None and groups.amounts is not None:
        by_clock = repeated(log, groups, who, stages, threads=threads)
    findings = [*groups.findings, *starts.findings]
    return Rework(
        who, stages, cost_per_hour, calendar, findings, found, by_clock, starts, threads, LogReference(log)
    )


def _usual_stage(log: EventLog) -> str | None:
    """Return the first usual attribute that says in which stage a case is then, not in which it is now."""
    there = [name for name in STAGES if _is_there(log, name)]
    return next((name for name in there if log.attribute(name).level == "event"), None)


def _is_there(log: EventLog, name: str) -> bool:
    return (log.origin.roles.get(name) or name) in log.attribute_names
