"""Handovers: who passes work on to whom, how long it waits then, and how often it comes straight back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.case_rows import CaseRows
from dealtrace_engine.analyses.edges import exact_moments
from dealtrace_engine.analyses.grouping import By, Groups, groups_of
from dealtrace_engine.analyses.handover_events import Found, found_handovers, tallied
from dealtrace_engine.analyses.money import UNITS, Amounts, amounts_of
from dealtrace_engine.analyses.resources import (
    MOST_TOGETHER,
    Period,
    Resources,
    resources_of,
    specialisation,
    working_together,
    workload,
)
from dealtrace_engine.analyses.starts import starts_of
from dealtrace_engine.analyses.working_time import Calendar
from dealtrace_engine.buffers import arrow, table
from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.filters.expressions import Expression
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import Progress
from dealtrace_engine.percentiles import MICROSECONDS, group_percentiles
from dealtrace_engine.quality import Finding
from dealtrace_engine.results import Later, LogReference, Result

OWN = ("source", "target", "handovers", "cases", "share", "wait_sum_s", "wait_mean_s", "wait_p50_s",
       "wait_p90_s", "returned", "returned_cases")  # fmt: skip


@dataclass(frozen=True, eq=False)
class Handovers(Result):
    """Who passes work on to whom.

    Attributes
    ----------
    table : pyarrow.Table
        A row per group, source and target, by handovers, most first, then by group and names. The attributes
        of `by`; currency: text, where `value` was asked for; source, target: text, the resource that passes
        on and the one that takes over; handovers; cases: with such a handover; share: of the handovers of
        the group, in the currency where there is one; wait_sum_s, wait_mean_s, wait_p50_s, wait_p90_s:
        seconds (of work, with a calendar); returned: handovers after which the work came straight back to the
        source: the next change of resource in the case gives it back, however many events in a row the
        target has until then; returned_cases: cases with such; value: sum of the amounts of
        those cases, in the currency, where it was asked for.
    findings : list of Finding
        Events without a resource, whose neighbours are no handovers, and what is missing of the amounts.
    """

    table: pa.Table
    findings: list[Finding]
    _rows: CaseRows
    _resources: Resources
    _source: EventLog
    _counts: NDArray[np.int64]
    _returned: Later[NDArray[np.int64]]
    _threads: int | None
    _log: LogReference
    definition: ClassVar[str] = "handovers 1"

    @property
    def _table(self) -> pa.Table:
        return self.table

    def _content(self) -> dict[str, Any]:
        return {
            "table": self.table,
            "specialisation": self.specialisation,
            "working_together": self.working_together,
            "findings": [vars(finding) for finding in self.findings],
        }

    def cases(self, row: int) -> pa.LargeStringArray:
        """Return the ids of the cases of a row of `table`; raise `ArgumentError` if there is no such row."""
        return self._rows.cases(row)

    @cached_property
    def by_case(self) -> pa.Table:
        """case_id; handovers; returned: those after which the work came straight back. In the log's order."""
        columns = {"handovers": self._counts, "returned": self._returned()}
        return table({"case_id": self._source.case_ids, **columns})

    @cached_property
    def _together(self) -> tuple[pa.Table, NDArray[np.int64], int]:
        return working_together(self._source, self._resources, self._threads)

    @property
    def working_together(self) -> pa.Table:
        """Who works in the same cases, see `working_together` of `resources`; of the `MOST_TOGETHER` busiest.

        resource, other: text; cases: with both; share_of_resource, share_of_other: of the cases of each.
        """
        return self._together[0]

    def cases_together(self, row: int) -> pa.LargeStringArray:
        """Return the ids of the cases of a row of `working_together`.

        Raises
        ------
        ArgumentError
            There is no such row.
        """
        pairs = self._together[1]
        if not 0 <= row < len(pairs):
            raise ArgumentError(f"there is no row {row!r}", hint=f"rows are from 0 to {len(pairs) - 1}")
        one, other = (self._cases_of(int(resource)) for resource in pairs[row])
        return self._source.case_ids.take(arrow(np.intersect1d(one, other)))

    def _cases_of(self, resource: int) -> NDArray[np.int64]:
        events = np.flatnonzero(self._resources.codes == resource)
        return np.unique(np.searchsorted(self._source.case_offsets, events, side="right") - 1)

    @cached_property
    def specialisation(self) -> pa.Table:
        """What each resource does, see `specialisation` of `resources`.

        resource: text; events; activities; main_activity: text; main_share; entropy_bits; specialisation:
        from 0, all activities alike, to 1, one only.
        """
        return specialisation(self._source, self._resources, self._threads)

    def workload(self, period: Period = "month") -> pa.Table:
        """Return the events of each resource in each period, and the cases in its hand at its end.

        Parameters
        ----------
        period : {"day", "week", "month", "quarter", "year"}

        Returns
        -------
        pyarrow.Table
            See `workload` of `resources`: resource: text; period: date32; events; cases_in_hand.
        """
        return workload(self._source, self._resources, period, self._threads)

    def __repr__(self) -> str:
        count = sum(self.table.column("handovers").to_pylist())
        return f"Handovers: {count:,} between {self._resources.acting:,} resources, {len(self.table):,} rows"


def handovers(
    log: EventLog,
    *,
    resource: str | None = None,
    by: By = None,
    where: Expression | None = None,
    calendar: Calendar | None = None,
    value: str | None = None,
    currency: str | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Handovers:
    """Return who passes work on to whom: counts, waits, and how often work comes straight back.

    A handover is two events, one directly after the other in a case, of different resources. The wait is
    from the timestamp of the one to the start of the other, or to its timestamp where no start is known (one
    after its end is not); what starts before the other ends does not wait. Next to an event whose resource
    is not known there is no handover.

    Parameters
    ----------
    log : EventLog
    resource : str, optional
        Attribute that says who or what: a person, a team, a department, an owner; by default that in the
        role of the resource.
    by : str or sequence of str, optional
        Attributes of the case to tell results by.
    where : Expression, optional
        Filter of the log.
    calendar : WorkingCalendar or Calendars, optional
        Waits are working time by it; all time by default.
    value : str, optional
        Attribute of the case with its amount.
    currency : str, optional
        Attribute that says in which currency; see `amounts_of`.
    threads : int, optional
        All CPUs by default; the result does not depend on it.
    progress : callable (done, of) -> object, optional
        Returning False cancels.

    Returns
    -------
    Handovers

    Raises
    ------
    SchemaError
        There is no such attribute, one of `by` varies within cases, or no event has a resource.
    LogError
        No case passes the filter.
    ArgumentError
        This is no calendar, or a case has none.

    References
    ----------
    W. M. P. van der Aalst, H. A. Reijers, M. Song, "Discovering social networks from event logs", Computer
    Supported Cooperative Work 14(6), 2005: handover of work by direct succession, and working together.

    Examples
    --------
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1"] * 3, "activity": ["a", "b", "c"], "who": ["x", "y", "x"],
    ...                            "time": ["2024-01-01", "2024-01-02", "2024-01-05"]}))
    >>> found = handovers(log, resource="who")
    >>> found.table.select(["source", "target", "wait_sum_s", "returned"]).to_pylist()
    [{'source': 'x', 'target': 'y', 'wait_sum_s': 86400.0, 'returned': 1},
     {'source': 'y', 'target': 'x', 'wait_sum_s': 259200.0, 'returned': 0}]
    """
    log = log if where is None else log.filter(where, threads=threads)
    resources = resources_of(log, resource, threads)
    groups = groups_of(log, by, taken=OWN if value is None else (*OWN, "currency", "value"))
    amounts = None if value is None else amounts_of(log, value, currency)
    findings = [] if amounts is None else list(amounts.findings)
    if resources.unknown:
        findings.append(Finding("events without a resource", resources.unknown))
    attribute = log.attribute(resource or "resource")
    if attribute.level == "case":
        findings.append(Finding(f"cases with one {attribute.name!r} each: nothing is handed over", log.cases))
    if len(resources) > MOST_TOGETHER and resources.acting > MOST_TOGETHER:
        findings.append(Finding("resources not in working_together", resources.acting - MOST_TOGETHER))
    codes, money = groups.codes.astype(np.int64), 1 if amounts is None else len(amounts.currencies)
    if amounts is not None:
        codes = codes * money + amounts.of_case
    possible = len(groups) * money * len(resources) ** 2
    starts = starts_of(log)
    findings += starts.findings
    found = found_handovers(log, resources, starts, codes, possible, calendar, threads, progress)
    columns, order = _columns(found, groups, resources, amounts, threads)
    ids = Later(lambda: log.case_ids)
    rows = Later(
        lambda: CaseRows.of_pairs(
            ids, _row_of(order)[np.concatenate(found.ranks)], found.cases, len(order)
        ).found()
    )
    returned = Later(lambda: np.bincount(found.cases[found.returned], minlength=log.cases))
    case_rows, reference = CaseRows(ids, rows), LogReference(log)
    return Handovers(
        table(columns).take(arrow(order)), findings, case_rows, resources, log, found.counts, returned,
        threads, reference,
    )  # fmt: skip


def _columns(
    found: Found, groups: Groups, resources: Resources, amounts: Amounts | None, threads: int | None
) -> tuple[dict[str, Any], NDArray[np.int64]]:  # fmt: skip
    """Return the columns of the table, by key, and the order of the rows."""
    width, keys = len(resources), found.keys
    code, pair = np.divmod(keys, width * width)
    group, money = np.divmod(code, 1 if amounts is None else len(amounts.currencies))
    tallies = tallied(found, amounts, threads)
    waits, offsets = tallies.waits, tallies.offsets
    sizes = np.diff(offsets)
    sums = [total for total, _ in exact_moments(waits, offsets, threads)]
    figures = group_percentiles(waits, offsets, [50, 90], threads=threads)
    of_group = np.bincount(code, weights=sizes, minlength=1)
    columns: dict[str, Any] = groups.columns(group)
    if amounts is not None:
        columns["currency"] = pa.array([amounts.currencies[k] for k in money.tolist()], pa.string())
    columns |= {
        "source": resources.names.take(arrow(pair // width)),
        "target": resources.names.take(arrow(pair % width)),
        "handovers": sizes,
        "cases": tallies.cases,
        "share": sizes / of_group[code],
        "wait_sum_s": np.array([total / MICROSECONDS for total in sums], dtype=np.float64),
        "wait_mean_s": np.array(
            [total / (MICROSECONDS * n) for total, n in zip(sums, sizes.tolist(), strict=True)], np.float64
        ),
        "wait_p50_s": figures[:, 0],
        "wait_p90_s": figures[:, 1],
        "returned": tallies.returned,
        "returned_cases": tallies.returned_cases,
    }
    if amounts is not None:
        parts = zip(tallies.low.tolist(), tallies.high.tolist(), strict=True)
        columns["value"] = np.array([(low + (high << 24)) / UNITS for low, high in parts], dtype=np.float64)
    return columns, np.lexsort((keys, -sizes))


def _row_of(order: NDArray[np.int64]) -> NDArray[np.int64]:
    rows = np.empty(len(order), dtype=np.int64)
    rows[order] = np.arange(len(order))
    return rows
