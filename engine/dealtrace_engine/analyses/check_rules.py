"""Which cases keep the rules, which break them, how often, by how many days, and what is at stake."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.case_rows import CaseRows
from dealtrace_engine.analyses.grouping import By, Groups, groups_of
from dealtrace_engine.analyses.money import Amounts, amounts_of
from dealtrace_engine.analyses.rule_exceptions import unknown_cases
from dealtrace_engine.analyses.rule_horizons import ages_of, untold
from dealtrace_engine.analyses.rule_pass import RulePass
from dealtrace_engine.analyses.rule_program import Program
from dealtrace_engine.analyses.rule_table import COLUMNS, RANKS, Sums, rule_table, sums_of
from dealtrace_engine.analyses.rule_violations import Violations, violations_of
from dealtrace_engine.analyses.working_time import Calendar, working_clock
from dealtrace_engine.buffers import read_only, table
from dealtrace_engine.errors import ArgumentError, ModelError
from dealtrace_engine.filters.expressions import Expression
from dealtrace_engine.filters.values import moment, moment_us
from dealtrace_engine.log import EventLog
from dealtrace_engine.models.rule_file import read_rules, ready_rules
from dealtrace_engine.models.rules import LANGUAGES, Rule, Rules
from dealtrace_engine.output import PathLike
from dealtrace_engine.parallel import Progress, blocks
from dealtrace_engine.quality import Finding
from dealtrace_engine.results import Later, LogReference, Result, made
from dealtrace_engine.traces import distinct_traces

OVERALL = ("cases", "conforming_cases", "conformance_rate")
"""Further columns of `overall`."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, eq=False)
class RuleCheck(Result):
    """How a log keeps a rule pack.

    Attributes
    ----------
    table : pyarrow.Table
        A row per rule (and group, and currency), those that are broken most first, those that the log cannot
        answer last: the attributes of `by`; currency, where `value` is told; rule, name, severity, owner,
        template: text; status: ``"violated"``, ``"conforming"``, ``"no case"`` or ``"not applicable"``;
        applicable_cases, violating_cases, accepted_cases (all of whose violations are accepted exceptions):
        int64; violations: int64, events or ends of cases; adherence: float64, share of the applicable cases
        that do not violate it, null without any; days_lost: float64, days beyond limits and dates, null where
        the rule has none; value_at_stake: float64, amounts of the violating cases without those below 0,
        null where they have none; rank_cases, rank_days, rank_value: int64 within group and currency, from 1,
        null where nothing is violated; reason: text, why it is not applicable.
    overall : pyarrow.Table
        A row per group: the attributes of `by`; cases, conforming_cases: int64; conformance_rate: float64,
        cases without violation / cases, null where no rule is applicable; violations: int64.
    as_of : datetime.datetime
        Now, for what is waiting or overdue.
    rules : Rules
    findings : list of Finding
        What was noticed about the amounts and the dates, counted in cases; cases of which the log cannot
        tell a rule; exceptions that it cannot tell, and cases that exceptions name and it does not have.
    """

    table: pa.Table
    overall: pa.Table
    as_of: datetime
    rules: Rules
    findings: list[Finding]
    _violations: Later[pa.Table]
    _deviations: Later[NDArray[np.int64]]
    _rows: CaseRows
    _log: LogReference
    definition: ClassVar[str] = "check_rules 1"

    @property
    def _table(self) -> pa.Table:
        return self.table

    @property
    def violations(self) -> pa.Table:
        """Every violation, by rule in the order of the pack, by case, by event.

        rule, case_id: text; event: int64, place in the log, null where something is missing in the case;
        activity: text and timestamp (UTC) of that event; other_event, other_activity, other_timestamp: the
        event that it is measured against, null where there is none; days_late: float64; accepted: bool, and
        accepted_reason: text, of an exception.
        """
        return self._violations()

    @property
    def deviations(self) -> NDArray[np.int64]:
        """How often each case of the log violates a rule, exceptions aside; -1 where none is applicable."""
        return self._deviations()

    @property
    def conformance_rate(self) -> float | None:
        """Cases without violation / cases, of the whole log; None where no rule is applicable to it."""
        if not self.applicable:
            return None
        conforming: int = sum(self.overall["conforming_cases"].to_pylist())
        return conforming / int(sum(self.overall["cases"].to_pylist()))

    @property
    def applicable(self) -> bool:
        """Whether the log can answer any of the rules."""
        return any(status != "not applicable" for status in self.table["status"].to_pylist())

    @property
    def violated(self) -> bool:
        """Whether a case breaks a rule, exceptions aside."""
        return any(self.overall["violations"].to_pylist())

    def cases(self, row: int) -> pa.LargeStringArray:
        """Return the ids of the cases that violate the rule of a row, exceptions aside.

        Raises
        ------
        ArgumentError
            There is no such row.
        """
        return self._rows.cases(row)

    def _content(self) -> dict[str, Any]:
        return {
            "pack": self.rules.name,
            "as_of": self.as_of.isoformat().replace("+00:00", "Z"),
            "conformance_rate": self.conformance_rate,
            "overall": self.overall,
            "rules": self.table,
            "findings": [{"reason": one.reason, "count": one.count} for one in self.findings],
        }

    def __repr__(self) -> str:
        broken = len({r["rule"] for r in self.table.to_pylist() if r["status"] == "violated"})
        rate, cases = self.conformance_rate, sum(self.overall["cases"].to_pylist())
        told = (
            "none applicable" if rate is None else f"{broken} violated, {rate:.1%} of {cases:,} cases conform"
        )
        return f"RuleCheck of {len(self.rules)} rules, {told}"


def check_rules(
    log: EventLog,
    rules: Rules | PathLike | None = None,
    *,
    by: By = None,
    where: Expression | None = None,
    calendar: Calendar | None = None,
    value: str | None = None,
    currency: str | None = None,
    as_of: str | date | datetime | None = None,
    rank: Literal["cases", "days", "value"] = "cases",
    language: str = "en",
    threads: int | None = None,
    progress: Progress | None = None,
) -> RuleCheck:
    """Check the rules of a pack on every case, in one pass.

    A rule applies to a case where something asks for it: an A for a response, a B for a precedence, both for
    what two people must do; counts apply to every case. Each event that asks in vain, or must not be, is a
    violation; so is a case that lacks something, once. A rule whose activities or columns the log does not
    have is not applicable, and neither kept nor broken. What has a limit of time and can still be kept as of
    now is not broken; without one, what is missing now is. Where a CRM kept the history of an object for a
    while only (`Coverage.horizons`), what an older case lacks may have happened, and so may what a rule
    forbids: there the rule neither applies to the case nor is broken, and a finding says of how many. Events
    that ask for something are those that are seen.

    Parameters
    ----------
    log : EventLog
    rules : Rules, path or str, optional
        A rule pack, a file of one or its text; see `read_rules`. By default the ready one for lead-to-cash.
    by : str or sequence of str, optional
        Attributes of the case, to tell results by.
    where : Expression, optional
        Which cases.
    calendar : WorkingCalendar or Calendars, optional
        Limits of time between two activities, and the days beyond them, are of working time by it, in days of
        24 hours: ``at_most = "16 h"`` is two days of eight hours. Due dates stay by the clock, and so do
        rules that say ``working_time = false``. Those that say ``true`` go by the calendar of the pack where
        none is given here.
    value : str, optional
        Attribute with the amount of the case, such as ``"amount"``: what is at stake.
    currency : str, optional
        Attribute with its currency; see `amounts_of`.
    as_of : str, date or datetime, optional
        Now; by default when the export was made, or the last event.
    rank : {"cases", "days", "value"}
        By what the rows are ordered.
    language : {"en", "de", "fr", "it", "ja", "zh"}
        Of the names of rules.
    threads : int, optional
        All CPUs by default; the result does not depend on it.
    progress : callable (done, of) -> object, optional
        Returning False cancels.

    Returns
    -------
    RuleCheck

    Raises
    ------
    ParseError, ModelError
        See `read_rules`.
    SchemaError
        There is no such column, or it is of another kind.
    ArgumentError
        There is no such rank or language, or a case or a rule that asks for one has no calendar.

    References
    ----------
    Pesic, Schonenberg, van der Aalst, "DECLARE: Full Support for Loosely-Structured Processes", EDOC 2007.
    Di Ciccio, Mecella, "On the Discovery of Declarative Control Flows for Artful Processes", ACM TMIS 5(4),
    2015.

    Examples
    --------
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1", "1", "2"], "activity": ["quote", "won", "won"],
    ...                            "time": ["2024-01-01", "2024-01-02", "2024-01-03"]}))
    >>> from dealtrace_engine.models.rules import Rule
    >>> found = check_rules(log, Rules((Rule("no-quote", "precedence", "quote", "won"),)))
    >>> found.table.select(["rule", "applicable_cases", "violating_cases", "adherence"]).to_pylist()
    [{'rule': 'no-quote', 'applicable_cases': 2, 'violating_cases': 1, 'adherence': 0.5}]
    >>> found.cases(0).to_pylist()
    ['2']
    >>> from dealtrace_engine.calendar import WorkingCalendar
    >>> slow, office = Rule("slow", "response", "quote", "won", at_most="8 h"), WorkingCalendar("UTC")
    >>> [check_rules(log, Rules((slow,)), calendar=by).violated for by in (None, office)]
    [True, False]
    """
    pack = ready_rules() if rules is None else rules if isinstance(rules, Rules) else read_rules(rules)
    if rank not in RANKS:
        raise ArgumentError(f"the rank is one of {', '.join(RANKS)}, not {rank!r}")
    if language not in LANGUAGES:
        raise ArgumentError(f"the language is one of {', '.join(LANGUAGES)}, not {language!r}")
    now = _now(log, as_of)
    whole, log = log, log if where is None else log.filter(where, threads=threads)
    groups = groups_of(log, by, taken=(*COLUMNS, *OVERALL))
    amounts = amounts_of(log, value, currency) if value is not None else _no_amounts(log)
    program = Program(log, pack, threads)
    width = len(amounts.currencies)
    cells = (groups.codes.astype(np.int64) * width + amounts.of_case).astype(np.int32)
    ages = ages_of(program)
    aged = cells if ages is None else cells * ages.count + ages.codes
    count = len(groups) * width * (1 if ages is None else ages.count)
    applicable, rows = _passed(program, now, aged, count, calendar, threads, progress)
    applicable, rows, cannot_tell = untold(program, cells, ages, applicable, rows)
    day = (EPOCH + timedelta(microseconds=now)).date()
    violations = violations_of(program, rows, day)
    valued, ids = amounts if value is not None else None, made(log.case_ids)
    sums = sums_of(valued, cells, applicable, violations, threads)
    told, pairs = rule_table(program, groups, valued, cells, sums, violations, rank, language)
    found = Later(lambda: CaseRows.of_pairs(ids, *pairs(), len(told)).found())
    findings = [*amounts.findings, *program.findings, *cannot_tell, *violations.findings,
                *unknown_cases(whole, pack, day)]  # fmt: skip
    return RuleCheck(
        told, _overall(program, groups, sums), EPOCH + timedelta(microseconds=now), pack, findings,
        Later(lambda: violations.table(program)), Later(lambda: _deviations(program, violations)),
        CaseRows(ids, found), LogReference(log),
    )  # fmt: skip


def _now(log: EventLog, as_of: str | date | datetime | None) -> int:
    if as_of is not None:
        return moment_us(moment(as_of, "as_of"))
    last = log.span[1]
    coverage = log.origin.coverage
    if coverage is not None and coverage.exported:
        return max(last, moment_us(moment(coverage.exported, "the export")))
    return last


def _no_amounts(log: EventLog) -> Amounts:
    nothing = np.zeros(log.cases, dtype=np.int64)
    return Amounts(nothing, nothing.astype(np.bool_), (None,), nothing.astype(np.int32))


def _passed(
    program: Program, now: int, cells: NDArray[np.int32], count: int, calendar: Calendar | None,
    threads: int | None, progress: Progress | None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:  # fmt: skip
    """Check the rules, those with limits by a calendar, if there is one, and the others by the clock."""
    instants, used = program.log.timestamps, calendar if calendar is not None else program.rules.calendar
    asking = next((rule.id for rule in program.rules if rule.working_time), None)
    if used is None and asking is not None:
        raise ArgumentError(f"rule {asking!r} asks for working time, but there is no calendar",
                            hint="give calendar=, or [calendar] in the pack")  # fmt: skip
    rules = [program.rules.rules[place] for place in program.applied]
    worked = np.array([_by_calendar(rule, calendar) for rule in rules], dtype=np.bool_)
    if used is None or not worked.any():
        return _checked(program, instants, now, cells, count, threads, progress)
    clock = working_clock(program.log, used, now, threads=threads)
    applicable, rows = _checked(program, clock, now, cells, count, threads, progress)
    rest = np.array([rule.kind.timed or _limited(rule) for rule in rules], dtype=np.bool_) & ~worked
    if rest.any():
        others, by_clock = _checked(program, instants, now, cells, count, threads, progress)
        applicable = np.where(rest, others, applicable)
        rows = np.concatenate([rows[:, ~rest[rows[0]]], by_clock[:, rest[by_clock[0]]]], axis=1)
    return applicable, rows


def _by_calendar(rule: Rule, calendar: Calendar | None) -> bool:
    """Whether a rule has limits of time that go by a calendar."""
    return _limited(rule) and (calendar is not None if rule.working_time is None else rule.working_time)


def _limited(rule: Rule) -> bool:
    return rule.at_least is not None or rule.at_most is not None


def _checked(
    program: Program, instants: NDArray[np.int64], now: int, cells: NDArray[np.int32], count: int,
    threads: int | None, progress: Progress | None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:  # fmt: skip
    """Return to how many cases each rule applies, shape (cells, rules), and the violations, shape (5, n)."""
    log, rules = program.log, len(program.applied)
    if count * max(rules, 1) > 1 << 24:
        raise ModelError(f"{count:,} groups are too many for {rules:,} rules", hint="take fewer with by=")
    arrays = program.arrays()
    if len(arrays["marks"]):
        numbers = firsts = np.arange(log.cases, dtype=np.int32)
    else:
        numbers, firsts, _ = distinct_traces(log, threads)
    passing = RulePass(
        log.activity_codes, instants, read_only(log.case_offsets), arrays, program.ranked, now, cells,
        count, numbers.view(np.uint32), firsts,
    )  # fmt: skip
    return passing.check(blocks(log.case_offsets), threads, progress)


def _deviations(program: Program, violations: Violations) -> NDArray[np.int64]:
    if not program.applied:
        return np.full(program.log.cases, -1, dtype=np.int64)
    counted = violations.cases[~violations.accepted]
    return np.bincount(counted, minlength=program.log.cases).astype(np.int64, copy=False)


def _overall(program: Program, groups: Groups, sums: Sums) -> pa.Table:
    sizes = groups.sizes
    conforming = sizes - sums.broken.reshape(len(groups), -1).sum(axis=1)
    return table({
        **groups.columns(), "cases": sizes, "conforming_cases": conforming,
        "conformance_rate": conforming / np.maximum(sizes, 1) if program.applied else pa.nulls(
            len(sizes), pa.float64()),
        "violations": sums.violations.reshape(len(groups), -1).sum(axis=1),
    })  # fmt: skip
