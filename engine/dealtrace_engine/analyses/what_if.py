"""What-if: what times and money would have been, had some times been shorter; by resampling."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.case_rows import CaseRows, cases_by_id
from dealtrace_engine.analyses.grouping import By, Groups, groups_of
from dealtrace_engine.analyses.milestones import Names
from dealtrace_engine.analyses.money import UNITS, Amounts, amounts_of
from dealtrace_engine.analyses.what_if_changes import (
    Applied,
    Cap,
    Change,
    MakeLike,
    Redrawn,
    Remove,
    applied,
    case_of_events,
    exact_sum,
    marked,
    told,
)
from dealtrace_engine.analyses.what_if_resampling import DAY_US, Effect, Resampling, Window, bootstrap
from dealtrace_engine.analyses.working_time import Calendar, elapsed_time, working_clock
from dealtrace_engine.buffers import arrow, table, text
from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.filters.expressions import Expression
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import Progress
from dealtrace_engine.quality import Finding
from dealtrace_engine.results import Later, LogReference, Result

__all__ = ["Cap", "Change", "MakeLike", "Remove", "WhatIf", "what_if"]

ENDS = ("measure", "currency", "unit", "cases", "changed", "before", "after", "saved", "saved_low",
        "saved_high", "note")  # fmt: skip

WORKING_DAYS = "days of 24 working hours"
"""The unit of times by a calendar."""


@dataclass(frozen=True, eq=False)
class WhatIf(Result):
    """What changes of the process would have saved.

    Attributes
    ----------
    table : pyarrow.Table
        A row per group, measure and currency. The attributes of `by`; measure: ``mean_days``, ``median_days``
        (of the measured time of a case) or ``cash_days`` (days x amount); currency: null but for money; unit:
        ``days``, with a calendar ``days of 24 working hours``, and of cash always ``days x`` the currency,
        since money waits by the clock; cases: measured ones, with a known amount where it is money; changed:
        those of them whose time changes; before, after, saved: float64, saved is negative where it gets
        worse; saved_low, saved_high: the interval; note: why these are null.
    changes : pyarrow.Table
        A row per change, in the order in which they were made. change: in words; segments: times that it is
        about; changed: those that it changes; cases: with any of these; saved_days: in all, float64, with
        a calendar of 24 working hours; note.
    confidence : float
        Of the intervals.
    findings : list of Finding
        Cases that could not be measured, and amounts that are missing or odd.
    """

    table: pa.Table
    changes: pa.Table
    confidence: float
    findings: list[Finding]
    _rows: CaseRows
    _log: LogReference
    definition: ClassVar[str] = "what_if 2"

    @property
    def _table(self) -> pa.Table:
        return self.table

    def _content(self) -> dict[str, Any]:
        findings = [{"reason": one.reason, "count": one.count} for one in self.findings]
        return {"effects": self.table, "changes": self.changes, "confidence": self.confidence,
                "findings": findings}  # fmt: skip

    def cases(self, row: int) -> pa.LargeStringArray:
        """Return the ids of the cases of a row of `table` whose time changes; see `CaseRows.cases`."""
        return self._rows.cases(row)

    def __repr__(self) -> str:
        return f"WhatIf of {self.changes.num_rows} changes, {self.table.num_rows} effects"


def what_if(
    log: EventLog,
    changes: Change | Sequence[Change],
    *,
    start: Names | None = None,
    end: Names | None = None,
    by: By = None,
    where: Expression | None = None,
    calendar: Calendar | None = None,
    value: str | None = None,
    currency: str | None = None,
    samples: int = 1000,
    confidence: float = 0.95,
    smallest: int = 30,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress | None = None,
) -> WhatIf:
    """Return how much shorter cases would have been after changes, in days and in cash x days.

    The observed times between events are kept or changed, nothing else: queues that would become shorter,
    deals that would be won, are not in it. Caps and removals come first, in their order, then the
    distributions that groups are given. Intervals are percentile bootstraps over the cases of each group; the
    distribution that a group is given is drawn again each time too. Nothing depends on the order in which
    the log holds its cases: they are drawn, and equal times ranked, in the order of their ids.

    Parameters
    ----------
    log : EventLog
    changes : Cap, Remove, MakeLike, or sequence of these
    start, end : str or sequence of str, optional
        The measured time is from the first `start` of a case to the last `end`; from its first, to its last
        event by default, open cases too. Cases without one of them, or with the end before the start, are not
        measured, and counted.
    by : str or sequence of str, optional
        Attributes of the case.
    where : Expression, optional
        Only these cases.
    calendar : WorkingCalendar or Calendars, optional
        All times are working time by it, those of the changes too: a `Cap` of ``"16 h"`` is two days of eight
        hours, one of ``"2 d"`` 48 hours of work. Quarters stay by the clock, and so does cash: it is bound
        from when a case begins until the work that the changes leave of it can be done.
    value : str, optional
        Attribute of the amount.
    currency : str, optional
        Attribute of its currency; see `amounts_of`.
    samples : int
        Of the bootstrap.
    confidence : float
        Between 0 and 1.
    smallest : int
        Groups of fewer changed cases get no interval, and distributions need so many times.
    seed : int
        The same seed gives the same intervals.
    threads : int, optional
        All CPUs by default; the result does not depend on it.
    progress : callable (done, of) -> object, optional
        Returning False cancels.

    Returns
    -------
    WhatIf

    Raises
    ------
    ArgumentError
        There is no change, a number is out of its range, or a case has no calendar.
    SchemaError
        There is no such activity, attribute or group.

    References
    ----------
    B. Efron and R. J. Tibshirani, "An Introduction to the Bootstrap", Chapman & Hall, 1993, chapter 13.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1", "1", "2", "2"], "activity": ["asked", "decided"] * 2,
    ...     "time": ["2024-01-01", "2024-01-11", "2024-01-01", "2024-01-03"]}))
    >>> found = what_if(log, Cap("asked", "decided", "4 d"), smallest=1)
    >>> found.table.select(["measure", "before", "after", "saved"]).to_pylist()[0]
    {'measure': 'mean_days', 'before': 6.0, 'after': 3.0, 'saved': 3.0}
    >>> found.cases(0).to_pylist()
    ['1']
    >>> from dealtrace_engine.calendar import WorkingCalendar
    >>> office = WorkingCalendar("UTC", {"mon-fri": "09:00-17:00"})
    >>> found = what_if(log, Cap("asked", "decided", "24 h"), calendar=office, smallest=1)
    >>> [round(float(found.table[name][0].as_py()) * 24) for name in ("before", "after")]
    [40, 20]
    """
    made = _checked(changes, samples, confidence, smallest, seed)
    chosen = log if where is None else log.filter(where, threads=threads)
    groups = groups_of(chosen, by, taken=ENDS)
    amounts = None if value is None else amounts_of(chosen, value, currency)
    window = _window(chosen, start, end)
    clock = chosen.timestamps
    if calendar is not None:
        clock = working_clock(chosen, calendar, chosen.span[0], threads=threads)
    times, outcomes = clock, []
    for change in made:
        outcomes.append(applied(chosen, change, times, smallest))
        times = outcomes[-1].timestamps
    before, after = (t[window.last] - t[window.first] for t in (clock, times))
    effect = Effect(before, after, window, _redraws(outcomes, window))
    if calendar is not None and amounts is not None:
        effect = _with_cash(chosen, calendar, effect)
    plan = Resampling(samples, confidence, smallest, seed, threads, progress)
    ranks = np.argsort(cases_by_id(chosen))
    days = "days" if calendar is None else WORKING_DAYS
    rows, marks = _rows(effect, ranks, groups, amounts, plan, days)
    found = _table(rows, groups)
    cases = CaseRows.of_pairs(Later(lambda: chosen.case_ids), *marks, len(rows))
    notes = [*window.findings, *(amounts.findings if amounts else [])]
    return WhatIf(found, _changes(made, outcomes), confidence, notes, cases, LogReference(chosen))


def _checked(
    changes: Change | Sequence[Change], samples: int, confidence: float, smallest: int, seed: int
) -> list[Change]:
    several = isinstance(changes, Sequence) and not isinstance(changes, str)
    given = list(cast("Sequence[Change]", changes)) if several else [cast(Change, changes)]
    if not given:
        raise ArgumentError("there is no change", hint="give Cap, Remove or MakeLike")
    for change in given:
        if not isinstance(change, Cap | Remove | MakeLike):
            raise ArgumentError(f"a change is Cap, Remove or MakeLike, got {change!r}")
    if not isinstance(confidence, int | float) or not 0 < confidence < 1:
        raise ArgumentError(f"confidence is between 0 and 1, got {confidence!r}")
    for name, number, least in (("samples", samples, 100), ("smallest", smallest, 1), ("seed", seed, 0)):
        if not isinstance(number, int) or number < least:
            raise ArgumentError(f"{name} is a whole number of at least {least}, got {number!r}")
    return sorted(given, key=lambda change: isinstance(change, MakeLike))


def _window(log: EventLog, start: Names | None, end: Names | None) -> Window:
    first, last = log.case_offsets[:-1].copy(), log.case_offsets[1:] - 1
    there = np.ones(log.cases, dtype=np.bool_)
    for names, ends, is_end in ((start, first, False), (end, last, True)):
        if names is None:
            continue
        events = np.flatnonzero(marked(log, names, "end" if is_end else "start")[log.activity_codes])
        cases = case_of_events(log, events)
        order = slice(None) if is_end else slice(None, None, -1)
        ends[cases[order]] = events[order]  # of several, the one that is written last stays
        has = np.zeros(log.cases, dtype=np.bool_)
        has[cases] = True
        there &= has
    measured = np.flatnonzero(there & (first <= last))
    found = Finding("cases without the start or the end, or with the end before the start")
    found.add(log.cases - len(measured), [])
    return Window(measured, first[measured], last[measured], [found] if found.count else [])


def _redraws(outcomes: list[Applied], window: Window) -> list[tuple[NDArray[np.int64], Redrawn]]:
    """Keep what lies within the measured time as a whole; the rest is taken as it is."""
    kept = []
    for redrawn in (outcome.redrawn for outcome in outcomes):
        if redrawn is None or not len(window.cases):
            continue
        place = np.minimum(np.searchsorted(window.cases, redrawn.cases), len(window.cases) - 1)
        inside = window.cases[place] == redrawn.cases
        inside &= (redrawn.begins >= window.first[place]) & (redrawn.ends <= window.last[place])
        kept.append((np.where(inside, place, -1), redrawn))
    return kept


def _with_cash(log: EventLog, calendar: Calendar, effect: Effect) -> Effect:
    """Tell also how long money waits, which it does by the clock."""
    window, longest = effect.window, np.maximum(effect.before, effect.after)
    for places, redrawn in effect.redraws:
        inside = places >= 0
        np.add.at(longest, places[inside], (redrawn.pool[-1] - redrawn.given)[inside])
    starts = log.timestamps[window.first]
    elapsed = elapsed_time(log, calendar, starts, window.cases, longest)
    return replace(effect, waited=log.timestamps[window.last] - starts, elapsed=elapsed)


def _rows(
    effect: Effect,
    ranks: NDArray[np.int64],
    groups: Groups,
    amounts: Amounts | None,
    plan: Resampling,
    days: str,
) -> tuple[list[dict[str, Any]], tuple[NDArray[np.int64], NDArray[np.int64]]]:
    rows: list[dict[str, Any]] = []
    numbers: list[NDArray[np.int64]] = []
    of_case = groups.codes[effect.window.cases]
    order = np.lexsort((ranks[effect.window.cases], of_case))
    bounds = np.searchsorted(of_case[order], np.arange(len(groups) + 1))
    for group in range(len(groups)):
        members = order[bounds[group] : bounds[group + 1]]
        for row, changed in _group_rows(effect, members, amounts, plan, group, days):
            rows.append({"group": group, **row})
            numbers.append(effect.window.cases[changed])
    pairs = [np.full(len(cases), row, dtype=np.int64) for row, cases in enumerate(numbers)]
    nothing = [np.zeros(0, dtype=np.int64)]
    return rows, (np.concatenate(nothing + pairs), np.concatenate(nothing + numbers))


def _group_rows(
    effect: Effect, members: NDArray[np.int64], amounts: Amounts | None, plan: Resampling, group: int,
    days: str,
) -> Iterable[tuple[dict[str, Any], NDArray[np.int64]]]:  # fmt: skip
    before, after = effect.before[members], effect.after[members]
    changed = before != after
    weights = _weights(effect, members, amounts)
    enough = int(changed.sum()) >= plan.smallest
    drawn = bootstrap(effect, members, weights, plan, group) if enough else None
    many = f"{changed.sum()} changed {'case' if changed.sum() == 1 else 'cases'}"
    few = f"not enough data: {many}, fewer than {plan.smallest}"
    tail = (1 - plan.confidence) / 2

    def row(place: int, name: str, money: str | None, unit: str, marks: Any, pair: Any) -> dict[str, Any]:
        low, high = (None, None) if drawn is None else np.quantile(drawn[:, place], [tail, 1 - tail]).tolist()
        saved = None if pair is None else pair[0] - pair[1]
        note = "not enough data: no case is measured" if pair is None else None if enough else few
        return {"measure": name, "currency": money, "unit": unit, "cases": int(marks.sum()),
                "changed": int((marks & changed).sum()), "before": pair and pair[0],
                "after": pair and pair[1], "saved": saved, "saved_low": low, "saved_high": high,
                "note": note}  # fmt: skip

    everyone = np.ones(len(members), dtype=np.bool_)
    means = medians = None
    if len(members):
        means = tuple(exact_sum(part) / (len(part) * DAY_US) for part in (before, after))
        medians = tuple(float(np.median(part)) / DAY_US for part in (before, after))
    yield row(0, "mean_days", None, days, everyone, means), members[changed]
    yield row(1, "median_days", None, days, everyone, medians), members[changed]
    bound = [effect.bound(part, members) for part in (before, after)]
    for place, (name, units, known) in enumerate(weights, 2):
        cash = tuple(_product(units, part) for part in bound) if known.any() else None
        shown = row(place, "cash_days", name, f"days x {name or 'currency'}", known, cash)
        yield shown, members[changed & known]


def _weights(
    effect: Effect, members: NDArray[np.int64], amounts: Amounts | None
) -> list[tuple[str | None, NDArray[np.int64], NDArray[np.bool_]]]:
    """Return each currency with the units of the group's cases in it, and which these are."""
    if amounts is None:
        return []
    cases = effect.window.cases[members]
    found = []
    for place, name in enumerate(amounts.currencies):
        known = amounts.known[cases] & (amounts.of_case[cases] == place)
        if known.any() or len(amounts.currencies) == 1:
            found.append((name, np.where(known, amounts.units[cases], 0), known))
    return found


def _product(units: NDArray[np.int64], microseconds: NDArray[np.int64]) -> float:
    """Return the sum of amounts x days; the order of the cases is that of their ids, so the bits are too."""
    return float((units * (microseconds / DAY_US)).sum()) / UNITS


def _table(rows: list[dict[str, Any]], groups: Groups) -> pa.Table:
    kinds = {"cases": pa.int64(), "changed": pa.int64()}
    texts = ("measure", "currency", "unit", "note")
    columns: dict[str, Any] = {}
    for name in ENDS:
        values = [row[name] for row in rows]
        columns[name] = text(values) if name in texts else pa.array(values, kinds.get(name, pa.float64()))
    chosen = np.array([row["group"] for row in rows], dtype=np.int64)
    return table({**groups.columns(chosen), **columns})


def _changes(made: list[Change], outcomes: list[Applied]) -> pa.Table:
    counts = {
        name: arrow(np.array([getattr(outcome, name) for outcome in outcomes], dtype=np.int64))
        for name in ("segments", "changed", "cases")
    }
    days = np.array([outcome.saved / DAY_US for outcome in outcomes])
    notes = text([outcome.note for outcome in outcomes])
    return table({"change": text([told(change) for change in made]), **counts, "saved_days": days,
                  "note": notes})  # fmt: skip
