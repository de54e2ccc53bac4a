"""Which steps separate won from lost paths: what is done or not, done again, or before something else."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.decided import Decided
from dealtrace_engine.analyses.grouping import Groups
from dealtrace_engine.analyses.rate_intervals import difference, odds_ratio, p_values, q_values
from dealtrace_engine.buffers import arrow, table
from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import blocks, map_blocks

KINDS = ("does", "repeats", "before")
MOST_CELLS = 1 << 26
STEP_COLUMNS = (
    "kind", "step", "other", "cases_with", "won_with", "cases_without", "won_without", "win_rate_with",
    "win_rate_without", "difference", "low", "high", "odds_ratio", "p_value", "q_value",
)  # fmt: skip


class Steps(NamedTuple):
    """What separates won from lost paths.

    Attributes
    ----------
    table : pyarrow.Table
        See `Journeys.steps`.
    places : ndarray of int64, shape (rows, 4)
        Group, kind, step and other of each row; the other is -1 where there is none.
    too_few : int
        Steps that are not compared, as too few cases have them or lack them.
    """

    table: pa.Table
    places: NDArray[np.int64]
    too_few: int


class _Counts(NamedTuple):
    """Cases of each group that are lost and won."""

    cases: NDArray[np.int64]
    with_step: NDArray[np.int64]
    with_repeat: NDArray[np.int64]
    in_order: NDArray[np.int64]


def separating_steps(
    log: EventLog, groups: Groups, decided: Decided, ignored: NDArray[np.bool_], *, fewest: int = 5,
    confidence: float = 0.95, threads: int | None = None,
) -> Steps:  # fmt: skip
    """Compare how often cases are won with and without each step on the way to the decision.

    Parameters
    ----------
    log : EventLog
    groups : Groups
        Compared within each.
    decided : Decided
        Only what is before the event that decides is on the way; cases that are neither do not count.
    ignored : ndarray of bool, shape (activities,)
        What is no step.
    fewest : int
        Cases with a step, and without, from which they are compared.
    confidence : float
    threads : int, optional

    Raises
    ------
    ArgumentError
        There are too many groups and activities to count pairs of steps.
    """
    counts = _counted(log, groups, decided, threads)
    places, figures, too_few = [], [], 0
    steps = np.flatnonzero(~ignored)
    for group in range(len(groups)):
        for kind, one, other, cells in _contrasts(counts, group, steps):
            kept = (cells[1] >= fewest) & (cells[3] >= fewest)
            too_few += int((~kept & (cells[1] > 0) & (cells[3] > 0)).sum())
            places.append(np.column_stack(np.broadcast_arrays(group, kind, one, other))[kept])
            figures.append(np.stack(cells)[:, kept])
    found, cells = np.concatenate(places), np.concatenate(figures, axis=1)
    return _as_table(log, groups, found, cells, too_few, confidence)


def _counted(log: EventLog, groups: Groups, decided: Decided, threads: int | None) -> _Counts:
    from dealtrace_engine.kernels.journeys import count_steps

    width, sides = len(log.activities), 2 * len(groups)
    if sides * width * (width + 2) > MOST_CELLS:
        raise ArgumentError(f"{width:,} activities in {len(groups):,} groups are too many for pairs of steps",
                            hint="leave out by=, or filter activities")  # fmt: skip
    codes = np.where(decided.outcomes >= 0, groups.codes * 2 + decided.outcomes, -1).astype(np.int32)
    sizes = (sides * width, sides * width, sides * width * width)

    def count(block: tuple[int, int]) -> list[NDArray[np.int64]]:
        outs = [np.zeros(size, dtype=np.int64) for size in sizes]
        scratch = np.full(width, -1, dtype=np.int64), *np.empty((2, width), dtype=np.int64)
        place = (log.activity_codes, log.case_offsets, *block, decided.ends, codes, width)
        count_steps(*place, *scratch, *outs)
        return outs

    total = [np.zeros(size, dtype=np.int64) for size in sizes]
    for part in map_blocks(count, blocks(log.case_offsets, max(1 << 18, sum(sizes))), threads=threads):
        for sums, own in zip(total, part, strict=True):
            sums += own
    shapes = ((len(groups), 2, width), (len(groups), 2, width), (len(groups), 2, width, width))
    cases = np.bincount(codes[codes >= 0], minlength=sides).reshape(-1, 2)
    shaped = [sums.reshape(shape) for sums, shape in zip(total, shapes, strict=True)]
    return _Counts(cases, *shaped)


def _contrasts(counts: _Counts, group: int, steps: NDArray[np.int64]) -> list[tuple[int, Any, Any, Any]]:
    """Return kind, steps, others, and (won with, cases with, won without, cases without) of a group."""
    cases, done = counts.cases[group], counts.with_step[group][:, steps]
    again, order = counts.with_repeat[group][:, steps], counts.in_order[group]
    one, other = np.triu_indices(len(steps), 1)
    one, other = steps[one], steps[other]
    turned = order[:, one, other].sum(axis=0) < order[:, other, one].sum(axis=0)
    one, other = np.where(turned, other, one), np.where(turned, one, other)
    pairs = (
        (done, cases[:, None] - done),
        (again, done - again),
        (order[:, one, other], order[:, other, one]),
    )
    cells = [(own[1], own.sum(axis=0), rest[1], rest.sum(axis=0)) for own, rest in pairs]
    return [(0, steps, -1, cells[0]), (1, steps, -1, cells[1]), (2, one, other, cells[2])]


def _as_table(
    log: EventLog, groups: Groups, places: NDArray[np.int64], cells: NDArray[np.int64], too_few: int,
    confidence: float,
) -> Steps:  # fmt: skip
    won_with, with_, won_without, without = cells
    effect, low, high = difference(won_with, with_, won_without, without, confidence)
    values = p_values(won_with, with_, won_without, without)
    least = np.maximum(np.maximum(low, -high), 0)
    order = np.lexsort((*places.T[::-1], -np.abs(effect), -least))
    group, kind, step, other = places.T
    texts = log.activities.to_pylist()
    figures = (
        pa.array([KINDS[k] for k in kind.tolist()], pa.string()),
        log.activities.take(arrow(step)),
        pa.array([None if k < 0 else texts[k] for k in other.tolist()], pa.large_string()),
        with_, won_with, without, won_without, won_with / with_, won_without / without, effect, low, high,
        odds_ratio(won_with, with_, won_without, without), values, q_values(values),
    )  # fmt: skip
    columns = {**groups.columns(group), **dict(zip(STEP_COLUMNS, figures, strict=True))}
    return Steps(table(columns).take(arrow(order)), places[order], too_few)


def cases_with_step(
    log: EventLog, groups: Groups, decided: Decided, place: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the numbers of the cases with a step, those counted in ``cases_with``.

    Parameters
    ----------
    log : EventLog
    groups : Groups
    decided : Decided
    place : ndarray of int64, shape (4,)
        Of `Steps.places`.
    """
    group, kind, step, other = place.tolist()
    wanted = (decided.outcomes >= 0) & (groups.codes == group)
    events, owners = _on_the_way(log, decided, step)
    firsts = np.full(log.cases, log.events, dtype=np.int64)
    np.minimum.at(firsts, owners, events)
    wanted &= firsts < log.events
    if KINDS[kind] == "repeats":
        wanted &= np.bincount(owners, minlength=log.cases) > 1
    if KINDS[kind] == "before":
        later, holders = _on_the_way(log, decided, other)
        others = np.full(log.cases, log.events, dtype=np.int64)
        np.minimum.at(others, holders, later)
        wanted &= (firsts < others) & (others < log.events)
    return np.flatnonzero(wanted)


def _on_the_way(
    log: EventLog, decided: Decided, step: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:  # fmt: skip
    """Return the events of a step before the decision, and their cases."""
    events = np.flatnonzero(log.activity_codes == step)
    owners = np.searchsorted(log.case_offsets, events, side="right") - 1
    early = events < decided.ends[owners]
    return events[early], owners[early]
