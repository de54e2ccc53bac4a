"""Figures of a funnel by group and step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.case_rows import CaseRows
from dealtrace_engine.analyses.funnel_steps import FunnelSteps
from dealtrace_engine.analyses.grouping import Groups
from dealtrace_engine.analyses.money import Amounts
from dealtrace_engine.analyses.stage_figures import (
    Measure,
    count_of,
    duration_figures,
    grouped_figures,
    money_of,
    nullable,
    shares,
)
from dealtrace_engine.buffers import arrow, table, text
from dealtrace_engine.results import Later

Marks = NDArray[np.bool_]
Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class FunnelCases:
    """Cases by step and group.

    Attributes
    ----------
    steps : FunnelSteps
    groups : Groups
    reached : ndarray of bool, shape (steps, cases)
    furthest : ndarray of int32, shape (cases,)
        The last step that a case reached; -1 for none.
    """

    steps: FunnelSteps
    groups: Groups
    reached: Marks
    furthest: NDArray[np.int32]

    @classmethod
    def of(cls, steps: FunnelSteps, groups: Groups) -> FunnelCases:
        """Make it of the steps that cases reach, and their groups."""
        reached = steps.counts > 0
        furthest = np.full(reached.shape[1], -1, dtype=np.int32)
        for step, marks in enumerate(reached):
            furthest[marks] = step
        return cls(steps, groups, reached, furthest)

    @property
    def count(self) -> int:
        """Number of steps."""
        return len(self.reached)

    def lost_at(self, step: int) -> Marks:
        """Return which cases are lost and reached no later step."""
        return np.asarray((self.furthest == step) & self.steps.is_lost)

    def open_at(self, step: int) -> Marks:
        """Return which cases are not lost and reached no later step; none at the last."""
        if step == self.count - 1:
            return np.zeros(len(self.furthest), dtype=np.bool_)
        return np.asarray((self.furthest == step) & ~self.steps.is_lost)

    def marks(self, what: str, step: int) -> Marks:
        """Return which cases are meant by ``"cases"``, ``"lost"`` or ``"open"`` at a step."""
        if what == "cases":
            return np.asarray(self.reached[step])
        return self.lost_at(step) if what == "lost" else self.open_at(step)

    def counted(self, marks: Callable[[int], Marks]) -> Counts:
        """Return how many cases of each group are marked at each step, shape (groups * steps,)."""
        count = len(self.groups)
        codes, found = self.groups.codes, np.empty((self.count, count), dtype=np.int64)
        for step in range(self.count):
            marked = marks(step)
            found[step] = np.count_nonzero(marked) if count == 1 else count_of(codes[marked], count)
        return found.T.reshape(-1)

    def rows(self, case_ids: Later[pa.LargeStringArray], what: str) -> CaseRows:
        """Return the cases of each row of the table."""

        def found() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
            marked = [np.flatnonzero(self.marks(what, step)) for step in range(self.count)]
            cases = np.concatenate(marked)
            step = np.repeat(np.arange(self.count), [len(own) for own in marked])
            row = self.groups.codes[cases].astype(np.int64) * self.count + step
            return CaseRows.of_pairs(case_ids, row, cases, len(self.groups) * self.count).found()

        return CaseRows(case_ids, Later(found))


def funnel_rows(
    cases: FunnelCases, confidence: float, measure: Measure | None = None, threads: int | None = None
) -> pa.Table:
    """Return `Funnel.table`; `measure` tells working time, see `stage_figures.Measure`."""
    steps, groups, reached, counts = cases.count, len(cases.groups), cases.reached, cases.steps.counts
    here = cases.counted(lambda step: reached[step])
    both = cases.counted(lambda step: reached[step] & reached[step - 1] if step else reached[step] & False)
    since = cases.counted(lambda step: reached[step] & reached[0])
    still = cases.counted(cases.open_at)
    lost = cases.counted(cases.lost_at)
    onwards = cases.counted(
        lambda step: reached[step] & ~reached[min(step + 1, steps - 1)] & (cases.furthest > step)
    )
    place = np.tile(np.arange(steps), groups)
    follows = place > 0
    before = np.where(follows, np.roll(here, 1), 0)
    decided = before - np.where(follows, np.roll(still, 1), 0)
    durations, early = _durations(cases, measure, threads)
    columns: dict[str, Any] = {
        **cases.groups.columns(np.repeat(np.arange(groups), steps)),
        "step": text([cases.steps.names[step] for step in place]),
        "place": (place + 1).astype(np.int64),
        "cases": here,
        "repeated": cases.counted(lambda step: counts[step] > 1),
        "occurrences": _occurrences(cases),
        "converted": both,
        "direct": np.where(follows, here - both, 0),
        **shares(both, before, "conversion", confidence),
        **shares(both, decided, "decided", confidence),
        **shares(since, np.where(follows, np.repeat(here[::steps], steps), 0), "from_first", confidence),
        "passed_over": onwards,
        "lost": lost,
        "drop_off": nullable(lost / np.maximum(here, 1), here > 0),
        "open": still,
        **durations,
        "out_of_order": early,
        "note": text(_notes(here, before, decided, follows)),
    }
    return table(columns)


def _occurrences(cases: FunnelCases) -> Counts:
    codes, count = cases.groups.codes, len(cases.groups)
    if count == 1:
        return np.asarray(cases.steps.counts.sum(axis=1, dtype=np.int64))
    return np.stack([count_of(codes, count, own) for own in cases.steps.counts]).T.reshape(-1)


def _durations(
    cases: FunnelCases, measure: Measure | None, threads: int | None
) -> tuple[dict[str, pa.Array], Counts]:
    """Return figures of the time from the step before, and how many cases have the steps the other way."""
    codes, count, steps = cases.groups.codes, len(cases.groups), cases.count
    values, rows = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    early = np.zeros((steps, count), dtype=np.int64)
    for step in range(1, steps):
        both = np.flatnonzero(cases.reached[step] & cases.reached[step - 1])
        taken = cases.steps.times[step][both] - cases.steps.times[step - 1][both]
        turned = taken < 0
        if turned.any():
            early[step] = count_of(codes[both[turned]], count)
            both, taken = both[~turned], taken[~turned]
        if measure is not None:
            taken = measure(cases.steps.times[step - 1][both], cases.steps.times[step][both], both)
        values.append(taken)
        if count > 1:
            rows.append(codes[both].astype(np.int64) * steps + step)
    of_row = early.T.reshape(-1)
    if count == 1:
        offsets = np.cumsum([0, *map(len, values)]).astype(np.int64)
        return grouped_figures(np.concatenate(values), offsets, threads=threads), of_row
    all_values, all_rows = np.concatenate(values), np.concatenate(rows)
    kept = np.ones(len(all_rows), dtype=np.bool_)
    return duration_figures(all_values, all_rows, count * steps, kept, threads=threads), of_row


def _notes(here: Counts, before: Counts, decided: Counts, follows: Marks) -> list[str | None]:
    found: list[str | None] = []
    for cases, earlier, known, later in zip(here, before, decided, follows, strict=True):
        what = ["no case reached it"] if cases == 0 else []
        if later and earlier == 0:
            what.append("no case reached the step before")
        elif later and known == 0:
            what.append("all cases are open at the step before")
        found.append("; ".join(what) or None)
    return found


def funnel_groups(cases: FunnelCases, confidence: float) -> pa.Table:
    """Return `Funnel.groups`."""
    codes, count = cases.groups.codes, len(cases.groups)
    first, last, lost = cases.reached[0], cases.reached[-1], cases.steps.is_lost
    began = count_of(codes[first], count)
    completed = count_of(codes[first & last], count)
    gone = count_of(codes[first & ~last & lost], count)
    decided = completed + gone
    order = np.lexsort((np.arange(count), -began, -completed / np.maximum(decided, 1), decided == 0))
    columns: dict[str, Any] = {
        **cases.groups.columns(),
        "cases": began,
        "completed": completed,
        "lost": gone,
        "open": began - decided,
        **shares(completed, began, "conversion", confidence),
        **shares(completed, decided, "decided", confidence),
    }
    return table({"rank": np.arange(1, count + 1), **_taken(columns, order)})


def _taken(columns: dict[str, Any], order: NDArray[np.int64]) -> dict[str, Any]:
    return {
        name: values[order] if isinstance(values, np.ndarray) else values.take(arrow(order))
        for name, values in columns.items()
    }


def funnel_values(cases: FunnelCases, amounts: Amounts) -> pa.Table:
    """Return `Funnel.values`."""
    currencies, steps = len(amounts.currencies), cases.count
    count = len(cases.groups) * steps * currencies
    columns: dict[str, Any] = {}
    for what in ("cases", "lost", "open"):
        marked = [np.flatnonzero(cases.marks(what, step)) for step in range(steps)]
        chosen = np.concatenate(marked)
        step = np.repeat(np.arange(steps), [len(own) for own in marked])
        codes = (cases.groups.codes[chosen].astype(np.int64) * steps + step) * currencies
        codes += amounts.of_case[chosen]
        columns[what] = count_of(codes, count)
        columns["value" if what == "cases" else f"value_{what}"] = money_of(amounts, chosen, codes, count)
        if what == "cases":
            columns["unknown"] = count_of(codes[~amounts.known[chosen]], count)
    kept = np.flatnonzero(columns["cases"])
    rows = kept // currencies
    named = {
        **cases.groups.columns(rows // steps),
        "step": text([cases.steps.names[step] for step in rows % steps]),
        "currency": text([amounts.currencies[code] for code in kept % currencies]),
    }
    return table(named | {name: values[kept] for name, values in columns.items()})
