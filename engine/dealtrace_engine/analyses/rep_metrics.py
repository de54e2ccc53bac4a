"""What reps are compared by: a figure of each deal, and which deals count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.check_rules import check_rules
from dealtrace_engine.analyses.decided import Decided
from dealtrace_engine.analyses.grouping import case_values
from dealtrace_engine.analyses.milestones import NEVER, reached
from dealtrace_engine.analyses.stage_source import stage_source
from dealtrace_engine.analyses.stage_visits import OPEN, end_of, stage_visits
from dealtrace_engine.analyses.working_time import Calendar, working_time
from dealtrace_engine.attributes import plain_type
from dealtrace_engine.errors import LogError, SchemaError
from dealtrace_engine.log import EventLog
from dealtrace_engine.schema import nearest

READY = ("win_rate", "sales_cycle", "discount")
"""What reps are compared by where nothing else is asked for."""
BY_NAME = ("adherence", "time_in_stage")
"""What is told besides, if it is asked for: it takes a pass of rules, or of stages."""
DISCOUNTS = ("discount_percent", "discount_pct", "discount", "discount_rate")
"""Attributes that are taken for the discount."""
DAY_US = 86_400_000_000.0


@dataclass(frozen=True, eq=False)
class Metric:
    """A figure of each deal.

    Attributes
    ----------
    name, unit : str
    kind : {"rate", "mean"}
        Whether it is yes or no.
    better : {"higher", "lower"} or None
    values : ndarray of float64, shape (cases,)
        1 and 0 of a rate.
    counts : ndarray of bool, shape (cases,)
        The cases that have one.
    """

    name: str
    unit: str
    kind: Literal["rate", "mean"]
    better: Literal["higher", "lower"] | None
    values: NDArray[np.float64]
    counts: NDArray[np.bool_]


def metric_of(
    log: EventLog, name: str, decided: Decided, calendar: Calendar | None = None, threads: int | None = None
) -> Metric | None:
    """Return a figure of each deal; None if it is one of `READY` or `BY_NAME` that the log cannot tell.

    Parameters
    ----------
    log : EventLog
    name : str
        ``"win_rate"``: won, of the deals that are won or lost: open ones are neither. ``"sales_cycle"``: days
        from the first time that the opportunity is created to the event that decides it, of won deals.
        ``"discount"``: an attribute in `DISCOUNTS`, of deals that are won or lost. ``"adherence"``: without a
        violation of the ready rules, of deals to which one applies, open ones too; see `check_rules`.
        ``"time_in_stage"``: mean days of the visits of open stages that ended; see `stages`. Any other is an
        attribute of the case with numbers or truth values, such as a fitness.
    decided : Decided
    calendar : WorkingCalendar or Calendars, optional
        Times, and the limits of rules, are working time by it, in days of 24 hours.
    threads : int, optional

    Raises
    ------
    SchemaError
        There is no such attribute, or it has no numbers.

    Examples
    --------
    >>> from dealtrace_engine.analyses.decided import decided_cases
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1", "1", "2"], "activity": ["a", "opportunity_won", "a"],
    ...                            "time": ["2024-01-01"] * 3, "fit": [0.5, 0.5, None]}))
    >>> metric_of(log, "fit", decided_cases(log)).counts.tolist()
    [True, False]
    """
    if name == "win_rate":
        known = decided.outcomes >= 0
        return Metric(name, "share", "rate", "higher", (decided.outcomes == 1).astype(np.float64), known)
    if name == "sales_cycle":
        return _sales_cycle(log, decided, calendar, threads)
    if name == "discount":
        column = next((own for own in DISCOUNTS if own in log.attribute_names), None)
        if column is None:
            return None
        found = _numbers(log, column)
        unit = "percent" if column in DISCOUNTS[:2] else "number"
        return Metric(name, unit, "mean", "lower", found.values, found.counts & (decided.outcomes >= 0))
    if name == "adherence":
        return _adherence(log, decided, calendar, threads)
    if name == "time_in_stage":
        return _time_in_stage(log, calendar, threads)
    if name not in log.attribute_names:
        names = [*READY, *BY_NAME, *log.attribute_names]
        raise SchemaError(f"there is no metric or column {name!r}", file=log.origin.source.label,
                          hint=nearest(names, name, "metrics and columns"))  # fmt: skip
    return _numbers(log, name)


def _sales_cycle(
    log: EventLog, decided: Decided, calendar: Calendar | None, threads: int | None
) -> Metric | None:
    begins = reached(log, ["opportunity_created"], missing=True, threads=threads).firsts
    told = (decided.ends < log.case_offsets[1:]) & (decided.outcomes == 1) & (begins != NEVER)
    ends = log.timestamps[np.minimum(decided.ends, log.events - 1)]
    told &= ends >= np.where(told, begins, ends)
    if not told.any():
        return None
    begins = np.where(told, begins, ends)
    if calendar is None:
        times = ends - begins
    else:
        times = working_time(log, calendar, *log.span)(begins, ends, np.arange(log.cases))
    days = np.where(told, times, 0) / DAY_US
    return Metric("sales_cycle", "days", "mean", "lower", days, told)


def _adherence(
    log: EventLog, decided: Decided, calendar: Calendar | None, threads: int | None
) -> Metric:  # fmt: skip
    created = reached(log, ["opportunity_created"], missing=True, threads=threads).counts > 0
    deviations = check_rules(log, calendar=calendar, threads=threads).deviations
    told = (deviations >= 0) & (created | (decided.outcomes >= 0))
    return Metric("adherence", "share", "rate", "higher", (deviations == 0).astype(np.float64), told)


def _time_in_stage(log: EventLog, calendar: Calendar | None, threads: int | None) -> Metric | None:
    try:
        source = stage_source(log, threads=threads)
    except LogError:
        return None
    visits = stage_visits(log, source, end_of(log, None), threads=threads).joined
    over = (visits.states != OPEN) & ~source.closed[visits.stages]
    cases, begins, times = visits.cases[over].astype(np.int64), visits.begins[over], visits.dwell[over]
    if calendar is not None:
        times = working_time(log, calendar, *log.span)(begins, begins + times, cases)
    visited, sums = np.bincount(cases, minlength=log.cases), np.zeros(log.cases, dtype=np.int64)
    np.add.at(sums, cases, times)
    days = sums / np.maximum(visited, 1) / DAY_US
    return Metric("time_in_stage", "days", "mean", "lower", days, visited > 0)


def _numbers(log: EventLog, name: str) -> Metric:
    values = case_values(log, name)
    yes_or_no = pa.types.is_boolean(values.type)
    if not (yes_or_no or pa.types.is_integer(values.type) or pa.types.is_floating(values.type)
            or pa.types.is_decimal(values.type)):  # fmt: skip
        what = f"column {name!r} has no numbers but {plain_type(values.type)}"
        raise SchemaError(what, file=log.origin.source.label, column=name,
                          hint="name a column of numbers or truth values")  # fmt: skip
    plain = values.cast(pa.int8()) if yes_or_no else values
    numbers = np.asarray(plain.cast(pa.float64(), safe=False).fill_null(np.nan))
    known = np.isfinite(numbers)
    kind: Literal["rate", "mean"] = "rate" if yes_or_no else "mean"
    return Metric(name, "share" if yes_or_no else "number", kind, None, np.where(known, numbers, 0), known)
