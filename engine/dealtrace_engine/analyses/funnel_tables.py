"""Figures of a funnel by group and step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
from dealtrace_engine.parallel import map_blocks
from dealtrace_engine.results import Later

Marks = NDArray[np.bool_]
Counts = NDArray[np.int64]
CASES_PER_BLOCK = 1 << 15


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
    def of(cls, steps: FunnelSteps, groups: Groups, threads: int | None = None) -> FunnelCases:
        """Make it of the steps that cases reach, and their groups."""
        reached = np.empty(steps.counts.shape, dtype=np.bool_)
        furthest = np.full(steps.counts.shape[1], -1, dtype=np.int32)

        def write(first: int) -> None:
            own = slice(first, first + CASES_PER_BLOCK)
            np.greater(steps.counts[:, own], 0, out=reached[:, own])
            for step, marks in enumerate(reached[:, own]):
                np.copyto(furthest[own], step, where=marks)

        map_blocks(write, range(0, len(furthest), CASES_PER_BLOCK), threads=threads)
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

    def counted(
        self, marks: Sequence[Callable[[int], Marks]], threads: int | None = None
    ) -> Iterator[Counts]:
        """Return how many cases of each group are marked at each step, each shape (groups * steps,)."""
        found = map_blocks(
            lambda step: [self.by_group(each(step)) for each in marks], range(self.count), threads=threads
        )
        return (np.stack(own).T.reshape(-1) for own in zip(*found, strict=True))

    def by_group(self, marks: Marks) -> Counts:
        """Return how many cases of each group are marked, shape (groups,)."""
        count = len(self.groups)
        if count == 1:
            return np.array([np.count_nonzero(marks)], dtype=np.int64)
        return count_of(self.groups.codes[marks], count)

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
    marks: list[Callable[[int], Marks]] = [
        lambda step: reached[step],
        lambda step: reached[step] & reached[step - 1] if step else np.zeros_like(reached[0]),
        lambda step: reached[step] & reached[0],
        cases.open_at,
        cases.lost_at,
        lambda step: reached[step] & ~reached[min(step + 1, steps - 1)] & (cases.furthest > step),
        lambda step: counts[step] > 1,
    ]
    here, both, since, still, lost, onwards, repeated = cases.counted(marks, threads)
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
        "repeated": repeated,
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
    times, reached = cases.steps.times, cases.reached

    def between(step: int) -> tuple[NDArray[np.int64], NDArray[np.int64], Counts]:
        both = np.flatnonzero(reached[step] & reached[step - 1])
        taken, early = times[step][both] - times[step - 1][both], np.zeros(count, dtype=np.int64)
        turned = taken < 0
        if turned.any():
            early = count_of(codes[both[turned]], count)
            both, taken = both[~turned], taken[~turned]
        if measure is not None:
            taken = measure(times[step - 1][both], times[step][both], both)
        return taken, both, early

    found = map_blocks(between, range(1, steps), threads=threads)
    values = [np.empty(0, dtype=np.int64), *(taken for taken, _, _ in found)]
    of_row = np.stack([np.zeros(count, dtype=np.int64), *(early for _, _, early in found)]).T.reshape(-1)
    if count == 1:
        offsets = np.cumsum([0, *map(len, values)]).astype(np.int64)
        return grouped_figures(np.concatenate(values), offsets, threads=threads), of_row
    rows = [codes[both].astype(np.int64) * steps + step for step, (_, both, _) in enumerate(found, 1)]
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
    count = len(cases.groups)
    first, last, lost = cases.reached[0], cases.reached[-1], cases.steps.is_lost
    began = cases.by_group(first)
    completed = cases.by_group(first & last)
    gone = cases.by_group(first & ~last & lost)
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
