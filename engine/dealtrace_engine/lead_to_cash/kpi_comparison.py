"""KPIs before and after an instant: how they differ, and whether that could be chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.grouping import By, Groups, groups_of
from dealtrace_engine.analyses.milestones import NEVER
from dealtrace_engine.analyses.working_time import Calendar
from dealtrace_engine.buffers import text
from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.filters.expressions import Expression
from dealtrace_engine.lead_to_cash.kpi_differences import Difference, adjusted, difference
from dealtrace_engine.lead_to_cash.kpi_facts import DAY, Facts, microseconds_of
from dealtrace_engine.lead_to_cash.kpi_observed import SCALE, Observed, counted
from dealtrace_engine.lead_to_cash.kpi_observing import observed
from dealtrace_engine.lead_to_cash.kpi_registry import Kpi, chosen
from dealtrace_engine.lead_to_cash.kpi_rows import lacking
from dealtrace_engine.lead_to_cash.kpi_times import AFTER_SALE
from dealtrace_engine.lead_to_cash.kpis import facts_of
from dealtrace_engine.lead_to_cash.moved_ends import Ends, ends_of, moved_kpis
from dealtrace_engine.log import EventLog
from dealtrace_engine.results import LogReference, Result

FOLLOWED = 0.9
"""Share of the times that are over within the follow-up."""
SIGNIFICANT = 0.05
NOW = {"K17.o", "K19.s", "K25.n"}
"""These say how things are at the end of the log, whenever the case was created."""
ENDED = {"K17.p", "K18.w", "K18.l"}
"""These are shares of cases that have ended, so that more count the longer they are followed."""
COHORTS = ("created", "started")
COLUMNS = (
    "id", "name", "unit", "grain", "before", "after", "cases_before", "cases_after", "difference", "low",
    "high", "p", "q", "significant", "direction", "follow_up_days", "note",
)  # fmt: skip
"""Names that attributes to group by may not have."""


@dataclass(frozen=True, eq=False)
class PeriodComparison(Result):
    """KPIs before and after an instant.

    Attributes
    ----------
    table : pyarrow.Table
        A row per KPI and group, the least q first, then those that cannot be compared, as in the registry.

        id, name: text; the attributes of `by`; unit, grain: text; before, after: float64, the value;
        cases_before, cases_after: int64, what it is of; difference: float64, after less before; low, high:
        float64, its interval at 95 percent confidence; p: float64; q: float64, p adjusted for all that is
        compared; significant: bool, q is at most 0.05; direction: text, ``better`` or ``worse`` where the
        difference is significant and the KPI has a good side; follow_up_days: float64, how long each object
        was followed; note: text, why it cannot be compared, and what is left out on both sides.
    at, until : int
        Microseconds since 1970-01-01 UTC.
    """

    table: pa.Table
    at: int
    until: int
    _log: LogReference
    definition: ClassVar[str] = "kpi_comparison 3"

    @property
    def _table(self) -> pa.Table:
        return self.table

    def _content(self) -> dict[str, Any]:
        return {"at_us": self.at, "until_us": self.until, "kpis": self.table}

    def __repr__(self) -> str:
        significant = sum(bool(x) for x in self.table["significant"].to_pylist())
        kpis = len(set(self.table["id"].to_pylist()))
        groups = self.table.num_rows // max(kpis, 1)
        in_groups = f" in {groups:,} groups" if groups > 1 else ""
        return f"PeriodComparison of {kpis} KPIs{in_groups}, {significant} differ significantly"


def compare_periods(
    log: EventLog, at: str | date, ids: str | Sequence[str] | None = None, *,
    ends: Ends | None = None, by: By = None, where: Expression | None = None, cohort: str = "created",
    calendar: Calendar | None = None, until: str | date | None = None, language: str = "en",
    threads: int | None = None,
) -> PeriodComparison:  # fmt: skip
    """Compare KPIs before and after an instant, such as that of a change.

    What was created lately had less time to get anywhere, so that its times are short and its shares low.
    Both sides are therefore followed equally long: of times, and of shares of what got there in time, for the
    90th percentile of all times that are known; of other shares and of means, only cases count that are as
    old as nine in ten closed ones were when they were closed, or paid, where it is about what follows it. Of
    win and loss rates, and of late payments, only what was decided, or paid, at that age: what is lost may
    take longer than what is won.

    Shares are compared by the two-proportion z-test and Newcombe's interval, medians by the Mann-Whitney test
    and the interval of Zou and Donner from two values of each side, which holds where many times are equal,
    such as whole days; means by Welch's test. The p-values of all KPIs, in all groups, are adjusted together
    by Benjamini and Hochberg's method. Each group is followed as long as its own cases take; of one with
    fewer than five cases on a side the note says so. A difference is an association: other things changed
    too.

    Parameters
    ----------
    log : EventLog
    at : str, date or datetime
        The instant; UTC where it says no zone.
    ids, ends, by, where
        As of `kpis`.
    cohort : {"created", "started"}
        Whether the creation of the case says on which side it is, or the start of what is measured, such as
        the fulfilment of the order for the billing lag.
    calendar, until, language, threads
        As of `kpis`. How long both sides are followed stays by the clock.

    Raises
    ------
    ArgumentError
        `at` is no instant, there is no such KPI or cohort, or a case has no calendar.
    SchemaError
        There is no such attribute, or it varies within cases.

    References
    ----------
    R. G. Newcombe, "Interval estimation for the difference between independent proportions", Statistics in
    Medicine 17, 1998 (method 10). G. Y. Zou and A. Donner, "Construction of confidence limits about effect
    measures: a general approach", Statistics in Medicine 27(10), 2008.
    H. B. Mann and D. R. Whitney, Annals of Mathematical Statistics 18(1), 1947. Y. Benjamini and Y. Hochberg,
    Journal of the Royal Statistical Society B 57(1), 1995.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> days = [1 + case // 20 * 3 + case % 4 for case in range(40)]
    >>> log = from_arrow(pa.table({
    ...     "case": [str(case) for case in range(40) for _ in "ab"],
    ...     "activity": ["Opportunity Created", "Opportunity Closed Won"] * 40,
    ...     "time": [f"2024-0{1 + n // 20}-{1 + day:02}" for n in range(40) for day in (0, days[n])]}))
    >>> found = compare_periods(log, "2024-02-01", "K1.w").table
    >>> found.select(["before", "after", "difference", "direction"]).to_pylist()
    [{'before': 2.5, 'after': 5.5, 'difference': 3.0, 'direction': 'worse'}]
    """
    if cohort not in COHORTS:
        raise ArgumentError(f"there is no cohort {cohort!r}", hint="'created' or 'started'")
    instant = microseconds_of(at, "at")
    facts = facts_of(log, where=where, value=None, rules=None, until=until, threads=threads,
                     calendar=calendar)  # fmt: skip
    groups = groups_of(facts.log, by, taken=COLUMNS)
    ages = _ages(facts, groups, False), _ages(facts, groups, True)
    wanted = moved_kpis(chosen(ids), ends_of(log, ends))
    compared = [one for kpi in wanted for one in _compared(facts, kpi, instant, groups, ages, cohort)]
    table = _table(wanted, groups, compared, language)
    return PeriodComparison(table, instant, facts.until, LogReference(log))


@dataclass(frozen=True, eq=False)
class _Ages:
    """How long cases took from creation to the end, microseconds; `NEVER` of those without one.

    Attributes
    ----------
    of_case : ndarray of int64, shape (cases,)
    follow_ups : list of int, shape (groups,)
        The 90th percentile in each group.
    """

    of_case: NDArray[np.int64]
    follow_ups: list[int]


def _ages(facts: Facts, groups: Groups, paid: bool) -> _Ages:
    ends = facts.closed
    if paid:
        lasts = facts.reached("payment_received").lasts
        ends = np.where(facts.lapsed, ends, lasts)
    known = ends != NEVER
    ages = np.where(known, np.maximum(np.where(known, ends, 0) - facts.created, 0), NEVER)
    parts = _parts(groups, np.flatnonzero(known))
    return _Ages(ages, [_ninth(ages[known][rows]) for rows in parts])


def _parts(groups: Groups, cases: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return which of some cases are in each group, as places among them, in their order."""
    codes = groups.codes[cases]
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.cumsum(np.bincount(codes, minlength=len(groups)))[:-1])


def _ninth(times: NDArray[np.int64]) -> int:
    if not len(times):
        return 0
    return int(np.sort(times)[-int(-len(times) * FOLLOWED // 1) - 1])


def _compared(
    facts: Facts, kpi: Kpi, at: int, groups: Groups, ages: tuple[_Ages, _Ages], cohort: str
) -> list[Difference]:  # fmt: skip
    """Compare a KPI in each group."""
    reason = lacking(facts, kpi)
    if reason is None and kpi.kind not in ("median", "rate", "mean"):
        reason = "sums and formulas are not compared"
    if reason is None and kpi.id in NOW:
        reason = "it tells of the end of the log, not of when cases were created"
    found = reason or observed(facts, kpi)
    if isinstance(found, str):
        return [Difference(note=found) for _ in range(len(groups))]
    age = None
    if kpi.kind == "mean" or (kpi.kind == "rate" and not found.values.any()):
        age = ages[any(activity in AFTER_SALE for some in kpi.needs for activity in some)]
    left_out = [
        (np.bincount(groups.codes[cases], minlength=len(groups)), why) for cases, why in found.left_out
    ]
    compared = []
    for group, rows in enumerate(_parts(groups, found.cases)):
        one = _difference(facts, kpi, found.at(rows), at, cohort, age, group)
        notes = [counted(int(counts[group]), why) for counts, why in left_out if counts[group]]
        one.note = "; ".join(filter(None, [one.note, *notes])) or None
        compared.append(one)
    return compared


def _difference(
    facts: Facts, kpi: Kpi, found: Observed, at: int, cohort: str, age: _Ages | None, group: int
) -> Difference:  # fmt: skip
    """Compare what was observed in a group; by age where it has no time of its own."""
    sides = facts.created[found.cases] if cohort == "created" else found.starts
    if age is None:
        follow_up = _ninth(found.values[found.done])
        kept = (found.starts <= facts.until - follow_up) & ~found.reversed
        measured = found.done & (found.values <= follow_up)
    else:
        follow_up = age.follow_ups[group]
        kept = facts.created[found.cases] <= facts.until - follow_up
        if kpi.id in ENDED:
            kept &= age.of_case[found.cases] <= follow_up
        measured = found.done
    if kpi.kind == "median" and facts.measure is not None:
        found.values = facts.measure(found.starts, found.starts + found.values, found.cases)
    samples = [_sample(found, kpi, kept & side, measured) for side in (sides < at, sides >= at)]
    result = difference(kpi.kind, *samples)
    result.follow_up_days = follow_up / DAY
    return result


def _sample(
    found: Observed, kpi: Kpi, kept: NDArray[np.bool_], measured: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the days, numbers, or zeros and ones of a side."""
    if kpi.kind == "rate":
        return measured[kept].astype(np.float64)
    return found.values[kept & measured] / (DAY if kpi.kind == "median" else SCALE)


def _table(
    wanted: Sequence[Kpi], groups: Groups, compared: Sequence[Difference], language: str
) -> pa.Table:  # fmt: skip
    """Return the rows, of which `compared` has those of each KPI, group after group."""
    kpis = [kpi for kpi in wanted for _ in range(len(groups))]
    places = [place for place, one in enumerate(compared) if one.p is not None]
    qs: list[float | None] = [None] * len(compared)
    for place, q in zip(places, adjusted([compared[place].p or 0.0 for place in places]), strict=True):
        qs[place] = q
    keys = [(q is None, q or 0.0, one.p or 0.0) for q, one in zip(qs, compared, strict=True)]
    order = sorted(range(len(kpis)), key=lambda n: keys[n])
    significant = [None if q is None else q <= SIGNIFICANT for q in qs]
    columns: dict[str, pa.Array] = {
        "id": text([kpis[n].id for n in order]), "name": text([kpis[n].label(language) for n in order]),
        **groups.columns(np.array(order, dtype=np.int64) % max(len(groups), 1)),
        "unit": text([kpis[n].unit for n in order]), "grain": text([kpis[n].grain for n in order]),
    }  # fmt: skip
    for name in ("before", "after", "cases_before", "cases_after", "difference", "low", "high", "p"):
        kind = pa.int64() if name.startswith("cases") else pa.float64()
        columns[name] = pa.array([getattr(compared[n], name) for n in order], kind)
    columns["q"] = pa.array([qs[n] for n in order], pa.float64())
    columns["significant"] = pa.array([significant[n] for n in order], pa.bool_())
    columns["direction"] = text([_direction(kpis[n], compared[n], significant[n]) for n in order])
    columns["follow_up_days"] = pa.array([compared[n].follow_up_days for n in order], pa.float64())
    columns["note"] = text([compared[n].note for n in order])
    return pa.table(columns)


def _direction(kpi: Kpi, found: Difference, significant: bool | None) -> str | None:
    if not significant or kpi.better is None or not found.difference:
        return None
    return "better" if (found.difference < 0) == (kpi.better == "lower") else "worse"
