"""Journeys against outcome, value and time, and what separates won from lost ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.case_rows import CaseRows
from dealtrace_engine.analyses.decided import Decided, decided_cases
from dealtrace_engine.analyses.grouping import By, Groups, groups_of
from dealtrace_engine.analyses.journey_variants import (
    COLUMNS,
    LONGEST_LOOP,
    JourneyTable,
    Loops,
    journey_table,
    paths_of,
)
from dealtrace_engine.analyses.map_difference import MapDifference, cases_with_edge, map_difference
from dealtrace_engine.analyses.milestones import wanted_activities
from dealtrace_engine.analyses.money import amounts_of
from dealtrace_engine.analyses.rate_intervals import normal_quantile
from dealtrace_engine.analyses.separating_steps import STEP_COLUMNS, Steps, cases_with_step, separating_steps
from dealtrace_engine.analyses.working_time import Calendar
from dealtrace_engine.buffers import arrow
from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.filters.expressions import Expression, checked
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import Progress, tick
from dealtrace_engine.quality import Finding
from dealtrace_engine.results import Later, LogReference, Result


@dataclass(frozen=True, eq=False)
class Sides:
    """Two groups of cases whose maps are compared.

    Attributes
    ----------
    names : tuple of str
        Of the first and the second.
    groups : ndarray of int32, shape (cases,)
        0 for the first, 1 for the second, -1 for neither.
    ends : ndarray of int64, shape (cases,)
        Where the path of each case ends.
    """

    names: tuple[str, str]
    groups: NDArray[np.int32]
    ends: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Journeys(Result):
    """What cases of the same path come to, and what separates won from lost ones.

    Steps and the map are made when they are first asked for.

    Attributes
    ----------
    table : pyarrow.Table
        A row per group and path, by cases, most first. The attributes of `by`; currency: text, where `value`
        was asked for; variant: stable id; activities: list of text; length; cases; share: of the cases of the
        group, in the currency where there is one; won, lost: cases; win_rate: of those that are won or lost,
        with its score interval win_rate_low, win_rate_high, null where there are none; p50_s, p90_s:
        throughput time in seconds (of work, with a calendar); value, won_value: sum of the amounts of all and
        of the won cases, in the currency.
    compared : tuple of str
        The two groups of `map`.
    findings : list of Finding
        Cases that are neither won nor lost, and what is missing of the amounts.
    """

    table: pa.Table
    compared: tuple[str, str]
    findings: list[Finding]
    _rows: CaseRows
    _source: EventLog
    _groups: Groups
    _decided: Decided
    _sides: Sides
    _steps: Later[Steps]
    _map: Later[MapDifference]
    _log: LogReference
    definition: ClassVar[str] = "journeys 2"

    @property
    def _table(self) -> pa.Table:
        return self.table

    def _content(self) -> dict[str, Any]:
        return {
            "table": self.table, "steps": self.steps, "compared": list(self.compared), "map": self.map,
            "findings": [vars(finding) for finding in self.findings],
        }  # fmt: skip

    @property
    def steps(self) -> pa.Table:
        """What separates won from lost paths, up to the event that decides.

        A row per group and step that enough cases have and lack; by how far the interval is from no
        difference at least, then by the difference. The attributes of `by`; kind: ``"does"`` the step or not,
        ``"repeats"`` it or does it once, of those that do it, ``"before"``: the first step before the first
        other or after it, of those that do both; step, other: text; cases_with, won_with, cases_without,
        won_without; win_rate_with, win_rate_without; difference: of the two, so below zero where it is the
        absence that goes with winning; low, high: its interval; odds_ratio; p_value; q_value: of all rows, by
        Benjamini and Hochberg. That they go together is no proof that one makes the other.
        """
        return self._steps().table

    @property
    def steps_too_rare(self) -> int:
        """Steps that are not in `steps`, as too few cases have or lack them."""
        return self._steps().too_few

    @property
    def map(self) -> pa.Table:
        """The difference of the two groups `compared` as a process map.

        A row per edge, by the size of the difference, largest first, then by cases. source, target: text,
        null for the start and the end of the path; count_first, count_second: how often; cases_first,
        cases_second: with it; share_first, share_second: of the cases of each group; difference: first less
        second; low, high: its interval; p_value; q_value: of all rows, by Benjamini and Hochberg. Figures are
        null where a group has no case.
        """
        return self._map().table

    def cases(self, row: int) -> pa.LargeStringArray:
        """Return the ids of the cases of a row of `table`; raise `ArgumentError` if there is no such row."""
        return self._rows.cases(row)

    def cases_of_step(self, row: int) -> pa.LargeStringArray:
        """Return the ids of the cases counted as with the step in a row of `steps`, in the log's order."""
        place = _checked_row(self._steps().places, row)
        return self._ids(cases_with_step(self._source, self._groups, self._decided, place))

    def cases_of_edge(self, row: int) -> pa.LargeStringArray:
        """Return the ids of the cases of both groups with the edge in a row of `map`, in the log's order."""
        edge = _checked_row(self._map().edges, row)
        return self._ids(cases_with_edge(self._source, self._sides.groups, self._sides.ends, edge))

    def _ids(self, cases: NDArray[np.int64]) -> pa.LargeStringArray:
        return self._source.case_ids.take(arrow(cases))

    def __repr__(self) -> str:
        cases = sum(self.table.column("cases").to_pylist())
        return f"Journeys: {len(self.table):,} rows of {cases:,} cases"


def journeys(
    log: EventLog,
    *,
    outcome: str | None = None,
    value: str | None = None,
    currency: str | None = None,
    by: By = None,
    where: Expression | None = None,
    calendar: Calendar | None = None,
    loops: Loops = "collapsed",
    longest_loop: int = LONGEST_LOOP,
    compare: tuple[Expression, Expression] | None = None,
    ignore: Sequence[str] = (),
    fewest: int = 5,
    confidence: float = 0.95,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Journeys:
    """Return what the paths of cases come to: outcome, value and time; and what separates won from lost.

    Parameters
    ----------
    log : EventLog
    outcome : str, optional
        Attribute that says what is won and lost; by default events do, see `decided_cases`.
    value : str, optional
        Attribute of the case with its amount.
    currency : str, optional
        Attribute that says in which currency; see `amounts_of`.
    by : str or sequence of str, optional
        Attributes of the case to tell results by; the map is of all cases.
    where : Expression, optional
        Filter of the log.
    calendar : WorkingCalendar or Calendars, optional
        Throughput times are working time by it; all time by default.
    loops : {"collapsed", "kept"}
        Whether what is repeated at once is taken once, see `paths_of`.
    longest_loop : int
        Activities of the longest loop that is.
    compare : tuple of two Expression, optional
        Filters of the cases whose maps are compared, whole; by default those that are won and lost, up to
        the event that decides. Cases in both are in neither.
    ignore : sequence of str
        Activities, as the log names them or canonical ids, that are no steps, such as those that all but
        decide.
    fewest : int
        Cases with a step, and without, from which it is compared.
    confidence : float
        Of the intervals.
    threads : int, optional
        All CPUs by default; the result does not depend on it.
    progress : callable (done, of) -> object, optional
        Returning False cancels.

    Returns
    -------
    Journeys

    Raises
    ------
    SchemaError
        There is no such attribute or activity, an attribute varies within cases or has no amounts, or none
        of its values means won or lost.
    LogError
        No case passes the filter.
    ArgumentError
        An argument is out of its range.

    References
    ----------
    R. P. J. C. Bose, W. M. P. van der Aalst, "Abstractions in process mining: a taxonomy of patterns",
    Business Process Management 2009. R. G. Newcombe, "Interval estimation for the difference between
    independent proportions", Statistics in Medicine 17, 1998. Y. Benjamini, Y. Hochberg, "Controlling the
    false discovery rate", Journal of the Royal Statistical Society B 57(1), 1995.

    Examples
    --------
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> steps = [("1", "a"), ("1", "a"), ("1", "opportunity_won"), ("2", "a"), ("2", "opportunity_lost")]
    >>> cases, activities = zip(*steps)
    >>> log = from_arrow(pa.table({"case": cases, "activity": activities,
    ...                            "time": [f"2024-01-0{day}" for day in (1, 2, 3, 1, 2)]}))
    >>> journeys(log).table.select(["activities", "cases", "won", "win_rate"]).to_pylist()
    [{'activities': ['a', 'opportunity_lost'], 'cases': 1, 'won': 0, 'win_rate': 0.0},
     {'activities': ['a', 'opportunity_won'], 'cases': 1, 'won': 1, 'win_rate': 1.0}]
    """
    normal_quantile(confidence)
    if not isinstance(fewest, int | np.integer) or fewest < 1:
        raise ArgumentError(f"fewest is a whole number of at least 1, got {fewest!r}")
    log = log if where is None else log.filter(where, threads=threads)
    groups = groups_of(log, by, taken=(*COLUMNS, *STEP_COLUMNS, *(("currency",) if value else ())))
    amounts = None if value is None else amounts_of(log, value, currency)
    ignored = wanted_activities(log, [ignore] if isinstance(ignore, str) else list(ignore))
    decided = decided_cases(log, outcome, threads=threads)
    findings = [*decided.findings, *([] if amounts is None else amounts.findings)]
    sides = _sides(log, decided, compare, findings, threads)
    tick(progress, 1, 3)
    paths = paths_of(log, loops, longest_loop, threads)
    tick(progress, 2, 3)
    made = journey_table(log, paths, groups, decided, amounts, calendar, confidence, threads)
    tick(progress, 3, 3)
    steps = Later(
        lambda: separating_steps(
            log, groups, decided, ignored | decided.deciding, fewest=fewest, confidence=confidence,
            threads=threads,
        )
    )  # fmt: skip
    differences = Later(
        lambda: map_difference(log, sides.groups, sides.ends, confidence=confidence, threads=threads)
    )
    return Journeys(
        made.table, sides.names, findings, _case_rows(log, made), log, groups, decided, sides, steps,
        differences, LogReference(log),
    )  # fmt: skip


def _case_rows(log: EventLog, made: JourneyTable) -> CaseRows:
    cases = np.arange(log.cases)
    return CaseRows.of_pairs(Later(lambda: log.case_ids), made.of_case, cases, len(made.table))


def _sides(
    log: EventLog, decided: Decided, compare: tuple[Expression, Expression] | None, findings: list[Finding],
    threads: int | None,
) -> Sides:  # fmt: skip
    """Return the two groups of cases whose maps are compared."""
    if compare is None:
        groups = np.where(decided.outcomes < 0, -1, 1 - decided.outcomes).astype(np.int32)
        return Sides(("won", "lost"), groups, decided.ends)
    if not isinstance(compare, tuple | list) or len(compare) != 2:
        raise ArgumentError(f"two filters of cases can be compared, got {compare!r}")
    first, second = (
        checked(expression, "what to compare", "case").mask(log, threads) for expression in compare
    )
    both = int((first & second).sum())
    if both:
        findings.append(Finding("cases in both groups that are compared, left out", both))
    groups = np.where(first & ~second, 0, np.where(second & ~first, 1, -1)).astype(np.int32)
    return Sides((repr(compare[0]), repr(compare[1])), groups, log.case_offsets[1:].copy())


def _checked_row(places: NDArray[np.int64], row: int) -> NDArray[np.int64]:
    if not isinstance(row, int | np.integer) or not 0 <= row < len(places):
        raise ArgumentError(f"there is no row {row!r}", hint=f"rows are from 0 to {len(places) - 1}")
    place: NDArray[np.int64] = places[row]
    return place
