"""KPIs of a lead-to-cash log: their values, intervals and limits, by group and period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from dealtrace_engine.analyses.case_rows import CaseRows
from dealtrace_engine.analyses.check_rules import EPOCH, check_rules
from dealtrace_engine.analyses.grouping import By
from dealtrace_engine.analyses.money import amounts_of
from dealtrace_engine.analyses.working_time import Calendar, working_time
from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.filters.expressions import Expression
from dealtrace_engine.lead_to_cash.kpi_alerts import Limits, alerts_of, checked_targets
from dealtrace_engine.lead_to_cash.kpi_cells import Cells, cells_of
from dealtrace_engine.lead_to_cash.kpi_facts import Facts, last_instant, microseconds_of
from dealtrace_engine.lead_to_cash.kpi_registry import Kpi, chosen
from dealtrace_engine.lead_to_cash.kpi_rows import COLUMNS, Told, table_of, told
from dealtrace_engine.lead_to_cash.moved_ends import Ends, ends_of, moved_kpis
from dealtrace_engine.log import EventLog
from dealtrace_engine.models.rule_file import ready_rules
from dealtrace_engine.models.rules import Rules
from dealtrace_engine.quality import Finding
from dealtrace_engine.results import Later, LogReference, Result, made
from dealtrace_engine.schema import names_of


@dataclass(frozen=True, eq=False)
class Kpis(Result):
    """The KPIs of a log.

    Attributes
    ----------
    table : pyarrow.Table
        A row per KPI, in the order of the registry, and group, period and currency, by their values.

        id, name: text; the attributes of `by`; period: text such as ``2025-03``, ``2025-Q1`` or ``2025``;
        currency: text; value, low, high: float64 in `unit`, null where it cannot be told, and its interval at
        95 percent confidence (Wilson's of shares, order statistics' of medians, Student's of means, cut at 0
        and 100 percent, null of sums and formulas); unit: text, ``days``, ``share`` (0 to 1), ``count``,
        ``percent``, or a currency; grain: what is counted; counted: ``record``, ``event``, or ``case`` where
        a case stands for it; cases: int64, how many of it there are; numerator: int64, how many of them got
        there or are counted; open: int64, how many did not, but still could; amount, amount_numerator:
        float64, what they are worth, in the currency, without amounts below 0, null where they have none;
        target: float64; met: bool; note: text, why there is no
        value, or what is to know; version: int64 of the definition.
    kpis : tuple of Kpi
        Those that were asked for.
    alerts : pyarrow.Table
        A row per limit that is crossed in the latest period: id, name, the attributes, currency; limit: text
        ``low`` or ``high``; bound, value: float64; unit; period: text, the latest with a value; since: text,
        the first of the periods without a break in which it was crossed (null without periods).
    working_time : bool
        Whether times between milestones are working time, in days of 24 hours, as `note` then says.
    until : int
        The instant to which the log tells what happened, microseconds since 1970-01-01 UTC.
    findings : list of Finding
        What is odd about the amounts.
    """

    table: pa.Table
    kpis: tuple[Kpi, ...]
    alerts: pa.Table
    working_time: bool
    until: int
    findings: list[Finding]
    _rows: Later[tuple[CaseRows, CaseRows]]
    _log: LogReference
    definition: ClassVar[str] = "kpis 1"

    @property
    def _table(self) -> pa.Table:
        return self.table

    def _content(self) -> dict[str, Any]:
        findings = [{"reason": finding.reason, "count": finding.count} for finding in self.findings]
        return {"kpis": self.table, "alerts": self.alerts, "working_time": self.working_time,
                "until_us": self.until, "findings": findings}  # fmt: skip

    @cached_property
    def definitions(self) -> pa.Table:
        """What `Kpi.describe` says of each."""
        return pa.Table.from_pylist([kpi.describe() for kpi in self.kpis])

    def cases(self, row: int, *, numerator: bool = False) -> pa.LargeStringArray:
        """Return the ids of the cases behind a row, or of those in its numerator, in the order of the log.

        Raises
        ------
        ArgumentError
            There is no such row.
        """
        return self._rows()[numerator].cases(row)

    def __repr__(self) -> str:
        known = self.table.num_rows - self.table["value"].null_count
        return f"Kpis: {self.table.num_rows:,} rows of {len(self.kpis)} KPIs, {known:,} with a value"


def kpis(
    log: EventLog, ids: str | Sequence[str] | None = None, *, ends: Ends | None = None, by: By = None,
    where: Expression | None = None, period: str | None = None, cohort: str = "created",
    targets: Mapping[str, float] | None = None, limits: Limits | None = None, value: str | None = None,
    currency: str | None = None, calendar: Calendar | None = None, rules: Rules | ArrayLike | None = None,
    until: str | date | None = None, language: str = "en", threads: int | None = None,
) -> Kpis:  # fmt: skip
    """Return KPIs of a lead-to-cash log, with intervals, and why some cannot be told.

    Times are of those that got there; how many still could is in `open`. Shares count what is not decided yet
    as not there, and say how many; win and loss rate are of decided opportunities. Quotes, orders and
    invoices are counted once each where the log has the ids of their records, else one per case. Where only
    history tells what they count (`Coverage.horizons`), what began before it is left out, and a note counts
    it: what got there in time cannot be told from what did not, and of the others only the slow ones.

    Parameters
    ----------
    log : EventLog
        Of activities that are canonical, in any of six languages.
    ids : str or sequence of str, optional
        Such as ``"K18.w"``, or ``"K1"`` for all that begin ``K1.``; all of them by default.
    ends : mapping of str to (source, target), optional
        Where times begin and end instead, from the first source to the first target, by the ids of KPIs or
        segments, such as ``{"K13": ("quote_accepted", "order_activated")}``; activities are canonical ids or
        named as the log names them. By default those of ``[ends]`` of the mapping file by which the export
        was read; `read_mapping` has them for any log.
    by : str or sequence of str, optional
        Attributes of the case.
    where : Expression, optional
        Which cases.
    period : {"month", "quarter", "year"}, optional
        A row per period, UTC.
    cohort : {"created", "closed"}
        Whether a case belongs to the period in which it was created or closed; open ones have no closing.
    targets : mapping of str to float, optional
        From id to the value that is to be reached, or not to be passed.
    limits : mapping of str to (float or None, float or None), optional
        From id to the lowest and highest value without an alert.
    value : str, optional
        Attribute of the case with its amount. Each row says what its cases are worth, and has one currency.
    currency : str, optional
        Attribute of the case with its currency; found by its name by default.
    calendar : WorkingCalendar or Calendars, optional
        Medians of times, and so their targets and limits, are of working time by it, in days of 24 hours: of
        three days from 9 to 17 the value is 1. Due dates, ages, periods and formulas stay by the clock.
    rules : Rules, RuleCheck, or array of int or bool, shape (cases,), optional
        The pack, what `check_rules` found in the whole log, how often each case breaks rules, or whether it
        conforms. By default the ready pack for lead-to-cash: `check_rules` is asked, as of `until`.
    until : str, date or datetime, optional
        The instant to which the log tells what happened; its export or last event by default.
    language : {"en", "de", "fr", "it", "ja", "zh"}
        Of the names.
    threads : int, optional
        All CPUs by default; the result does not depend on it.

    Raises
    ------
    ArgumentError
        An id, period, cohort, language or limit that there is not; `until` before the last event; `rules` of
        another number of cases; `ends` of what is no time between activities; or a case has no calendar.
    SchemaError
        There is no such attribute, it varies within cases, or has no amounts; or `value` is asked of a named
        KPI whose grain has no amount of its own while cases have several of it.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({
    ...     "case": ["1", "1", "2", "2", "3"],
    ...     "activity": ["Opportunity Created", "Opportunity Closed Won", "Opportunity Created",
    ...                  "Opportunity Closed Lost", "Opportunity Created"],
    ...     "time": ["2024-01-01", "2024-01-11", "2024-01-01", "2024-01-03", "2024-01-04"]}))
    >>> found = kpis(log, ["K1.w", "K18.w"]).table
    >>> found.select(["id", "value", "unit", "cases", "numerator", "open"]).to_pylist()[0]
    {'id': 'K1.w', 'value': 10.0, 'unit': 'days', 'cases': 3, 'numerator': 1, 'open': 1}
    >>> found["value"][1].as_py(), found["note"][1].as_py()
    (0.5, '1 open opportunity is not decided and not counted')
    >>> from dealtrace_engine.calendar import WorkingCalendar
    >>> office = WorkingCalendar("UTC", {"mon-fri": "09:00-15:00"})
    >>> kpis(log, "K1.w", calendar=office).table["value"].to_pylist()
    [2.0]
    """
    wanted = moved_kpis(chosen(ids), ends_of(log, ends))
    targets = checked_targets(targets, limits)
    facts = facts_of(log, where=where, value=value, currency=currency, rules=rules, until=until,
                     threads=threads, calendar=calendar)  # fmt: skip
    cells = cells_of(facts, by, period, cohort, COLUMNS)
    named = () if ids is None else names_of(ids, "ids")
    parts = [told(facts, kpi, cells, value, strict=kpi.id in named) for kpi in wanted]
    table = table_of(parts, cells, targets, language)
    return Kpis(
        table, wanted, alerts_of(table, cells, limits or {}, len(wanted)),
        calendar is not None, facts.until,
        [] if facts.amounts is None else facts.amounts.findings,
        Later(lambda: _case_rows(facts.log, cells, parts)), LogReference(log),
    )  # fmt: skip


def facts_of(
    log: EventLog, *, where: Expression | None, value: str | None, rules: Rules | ArrayLike | None,
    until: str | date | None, threads: int | None, calendar: Calendar | None = None,
    currency: str | None = None,
) -> Facts:  # fmt: skip
    """Return what KPIs are told from; see `kpis`."""
    last = last_instant(log)
    if until is not None:
        given = microseconds_of(until, "until")
        if given < int(log.timestamps.max(initial=given)):
            raise ArgumentError(f"until is before the last event: {until!r}",
                                hint="filter the log to leave events out")  # fmt: skip
        last = given
    pack = ready_rules() if rules is None else rules if isinstance(rules, Rules) else None
    known = None if pack is not None else _given(log, rules)
    if where is not None:
        chosen_log = log.filter(where, threads=threads)
        if known is not None:
            import pyarrow.compute as pc  # late: 50 ms

            known = known[np.asarray(pc.index_in(chosen_log.case_ids, value_set=log.case_ids))]
        log = chosen_log
    now = EPOCH + timedelta(microseconds=last)
    deviations = (
        Later(lambda: check_rules(log, pack, as_of=now, threads=threads).deviations)
        if known is None
        else made(known)
    )
    amounts = None if value is None else amounts_of(log, value, currency)
    measure = None if calendar is None else working_time(log, calendar, *log.span)
    name = None if pack is None else pack.name or "given"
    return Facts(log, last, deviations, name, amounts, threads, measure)


def _given(log: EventLog, rules: Any) -> NDArray[np.int64]:
    found = np.asarray(getattr(rules, "deviations", rules))
    if found.shape != (log.cases,) or found.dtype.kind not in "biu":
        raise ArgumentError(f"rules has shape {found.shape}, {found.dtype}, for {log.cases:,} cases",
                            hint="give how often each case breaks rules, or whether it conforms")  # fmt: skip
    return np.where(found, 0, 1).astype(np.int64) if found.dtype.kind == "b" else found.astype(np.int64)


def _case_rows(log: EventLog, cells: Cells, parts: Sequence[Told]) -> tuple[CaseRows, CaseRows]:
    ids = Later(lambda: log.case_ids)
    found = []
    for only_done in (False, True):
        rows, cases = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        for number, part in enumerate(parts):
            if part.found is not None:
                own = part.found.cases[part.found.done] if only_done else part.found.cases
                own = own[cells.of_case[own] >= 0]
                rows.append(cells.of_case[own] + number * cells.count)
                cases.append(own)
        count = len(parts) * cells.count
        found.append(CaseRows.of_pairs(ids, np.concatenate(rows), np.concatenate(cases), count))
    return found[0], found[1]
