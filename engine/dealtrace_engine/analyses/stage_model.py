"""Visits to ordered stages, what they are of their cases, and the figures of each stage and case."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.case_rows import CaseRows
from dealtrace_engine.analyses.grouping import Groups
from dealtrace_engine.analyses.stage_figures import (
    Kept,
    Measure,
    added_apart,
    count_of,
    figures_and_p90,
    grouped_figures,
    kept_groups,
    nullable,
    seconds,
)
from dealtrace_engine.analyses.stage_visits import (
    AMOUNT,
    OPEN,
    OWNER,
    PUSHED,
    RETURN,
    StageOrder,
    StageVisits,
    VisitBlock,
)
from dealtrace_engine.buffers import arrow, table, text
from dealtrace_engine.parallel import map_blocks
from dealtrace_engine.percentiles import MICROSECONDS
from dealtrace_engine.results import Later

LEAST_COMPLETED = 10
"""Fewer completed visits say nothing of when a deal is stuck."""


class ModelBlock(NamedTuple):
    """What follows of the visits of a block.

    Attributes
    ----------
    origins : ndarray of int32, shape (visits,)
    kinds : ndarray of int8, shape (visits,)
        See `kernels.stage_counts.visit_kinds`.
    rows : ndarray of int64, shape (visits,)
        The group of the case times the number of stages, plus the stage.
    pairs : ndarray of int32, shape (visits,)
        Pair of a case and a stage, counted from the first of the block.
    pair_cases, pair_ranks, pair_visits, pair_open : ndarray of int32, shape (pairs,)
        Also those that are passed over, which have no visit; and how many visits are not over.
    pair_dwell : ndarray of int64, shape (pairs,)
        Length of all visits.
    pair_rows : ndarray of int64, shape (pairs,)
        As `rows`.
    """

    origins: NDArray[np.int32]
    kinds: NDArray[np.int8]
    rows: NDArray[np.int64]
    pairs: NDArray[np.int32]
    pair_cases: NDArray[np.int32]
    pair_ranks: NDArray[np.int32]
    pair_visits: NDArray[np.int32]
    pair_open: NDArray[np.int32]
    pair_dwell: NDArray[np.int64]
    pair_rows: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class StageModel:
    """What follows of visits once stages have an order.

    Attributes
    ----------
    visits : StageVisits
        Their stages are ranks, their dwell times working time where that is asked for.
    order : StageOrder
    groups : Groups
    threads : int or None
    """

    visits: StageVisits
    order: StageOrder
    groups: Groups
    threads: int | None

    @cached_property
    def blocks(self) -> list[ModelBlock]:
        """What follows of each block of visits, as large as these; `stage_rows` does without."""
        return map_blocks(self._block, self.visits.blocks, threads=self.threads)

    @property
    def width(self) -> int:
        """Number of stages."""
        return len(self.order.names)

    def _block(self, visits: VisitBlock) -> ModelBlock:
        from dealtrace_engine.kernels.stage_counts import stages_of_cases, visit_kinds

        order, count, cases = self.order, len(visits.cases), visits.cases
        origins, kinds = np.empty(count, dtype=np.int32), np.empty(count, dtype=np.int8)
        visit_kinds(cases, visits.stages, visits.states, order.open_stages, origins, kinds)
        room = count + cases_of(cases) * order.open_stages
        rows, pairs = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int32)
        counts, slots = np.zeros(1, dtype=np.int64), np.full(self.width, -1, dtype=np.int64)
        of_case, of_rank, times, still = (np.empty(room, dtype=np.int32) for _ in range(4))
        total, pair_rows = (np.empty(room, dtype=np.int64) for _ in range(2))
        stages_of_cases(
            cases, visits.stages, visits.states, origins, visits.dwell, self.groups.codes, order.open_stages,
            order.lost, slots, rows, pairs, of_case, of_rank, times, still, total, pair_rows, counts,
        )  # fmt: skip
        found = slice(int(counts[0]))
        return ModelBlock(
            origins, kinds, rows, pairs, of_case[found], of_rank[found], times[found], still[found],
            total[found], pair_rows[found],
        )  # fmt: skip

    @cached_property
    def joined(self) -> ModelBlock:
        """All as one block, with one count of the pairs."""
        found = ModelBlock(*(np.concatenate(columns) for columns in zip(*self.blocks, strict=True)))
        sizes = [len(block.pair_cases) for block in self.blocks]
        starts = np.cumsum([0, *sizes[:-1]])
        return found._replace(
            pairs=found.pairs + np.repeat(starts, [len(block.pairs) for block in self.blocks])
        )


def stage_model(
    visits: StageVisits,
    order: StageOrder,
    groups: Groups,
    measure: Measure | None = None,
    *,
    threads: int | None = None,
) -> StageModel:
    """Return what follows of visits, whose stages are codes, and an order; see `StageModel`.

    Parameters
    ----------
    visits : StageVisits
    order : StageOrder
    groups : Groups
    measure : callable (sources, targets, cases), optional
        What tells the working time between instants; see `working_time.working_time`.
    threads : int, optional
    """

    def ranked(block: VisitBlock) -> VisitBlock:
        dwell = block.dwell
        if measure is not None:
            dwell = measure(block.begins, block.begins + dwell, block.cases.astype(np.int64))
        return block._replace(stages=order.ranks[block.stages], dwell=dwell)

    blocks = map_blocks(ranked, visits.blocks, threads=threads)
    return StageModel(replace(visits, blocks=blocks), order, groups, threads)


def cases_of(cases: NDArray[np.int32]) -> int:
    """Return how many cases visits are of, which are in the order of the cases."""
    return int(np.count_nonzero(cases[1:] != cases[:-1])) + 1 if len(cases) else 0


def stage_rows(model: StageModel, threads: int | None = None) -> tuple[pa.Table, NDArray[np.int64]]:
    """Return `Stages.table`, and from which age on a deal is stuck.

    Returns
    -------
    table : pyarrow.Table
    limits : ndarray of int64, shape (stages,)
        In microseconds; below zero where too few visits are completed.
    """
    width, groups = model.width, len(model.groups)
    count = groups * width
    rows = [_rows(model, block.cases, block.stages) for block in model.visits.blocks]
    counts, left = _counts(model, rows, count, threads)
    dwell, case_dwell, limits = _dwell_figures(model, rows, counts, left, threads)
    number, now, returns_in, returns_out, pushes, amounts, owners, _, skips, inside, gone = counts.sum(
        axis=0
    ).T.copy()
    was_in = inside + gone
    stuck = np.zeros(count, dtype=np.int64)
    for block in model.visits.blocks:
        long = stuck_visits(block, model.order, limits)
        np.add.at(stuck, _rows(model, block.cases[long], block.stages[long]), 1)
    rank = np.tile(np.arange(width), groups)
    closed = rank >= model.order.open_stages
    limited = ~closed & (limits[rank] >= 0)
    columns: dict[str, Any] = {
        **model.groups.columns(np.repeat(np.arange(groups), width)),
        "stage": text([model.order.names[place] for place in rank]),
        "place": (rank + 1).astype(np.int64),
        "closed": closed,
        "cases": was_in,
        "visits": number,
        "completed": number - now,
        **dwell,
        **case_dwell,
        "skips": skips,
        "returns_in": returns_in,
        "returns_out": returns_out,
        "reentries": number - was_in,
        "now": now,
        "stuck": nullable(stuck, limited),
        "stuck_limit_s": nullable(limits[rank] / MICROSECONDS, limited),
        "pushes": pushes,
        "amount_changes": amounts,
        "owner_changes": owners,
        "note": text(_notes(was_in, number - now, closed, limited)),
    }
    return table(columns), limits


def _rows(model: StageModel, cases: NDArray[np.int32], stages: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the rows of cases and stages; see `kernels.stage_counts.stage_counts`."""
    return stages if len(model.groups) == 1 else model.groups.codes[cases] * np.int32(model.width) + stages


def _counts(
    model: StageModel, rows: list[NDArray[np.int32]], count: int, threads: int | None
) -> tuple[NDArray[np.int64], list[Kept]]:
    """Return what `kernels.stage_counts` counts, see `added_apart`, and the times of cases that left.

    These are two parts of each block: those of cases that were in the stage once, and of others.
    """
    from dealtrace_engine.kernels.stage_counts import stage_counts

    blocks, order, width = model.visits.blocks, model.order, model.width
    left: list[list[Kept]] = [[] for _ in blocks]

    def add(number: int, out: NDArray[np.int64]) -> None:
        cases, stages, _, dwell, states, changed, changes = blocks[number]
        times, still, place = (np.zeros(width, dtype=np.int32) for _ in range(3))
        total, sizes = np.zeros(width, dtype=np.int64), np.zeros(1, dtype=np.int64)
        marks, again = np.empty(len(cases), dtype=np.bool_), np.empty(len(cases), dtype=np.int32)
        lengths = np.empty(len(cases), dtype=np.int64)
        stage_counts(
            cases, stages, states, dwell, changed, changes, model.groups.codes, order.open_stages, order.lost,
            times, still, total, place, out, marks, again, lengths, sizes,
        )  # fmt: skip
        own = slice(int(sizes[0]))
        every = np.ones(sizes[0], dtype=np.bool_)
        left[number] = [(dwell, rows[number], marks), (lengths[own].copy(), again[own].copy(), every)]

    found = added_apart(add, range(len(blocks)), 11 * count, threads)
    return found.reshape(len(found), count, 11), [part for own in left for part in own]


def _dwell_figures(
    model: StageModel, rows: list[NDArray[np.int32]], counts: NDArray[np.int64], left: list[Kept],
    threads: int | None,
) -> tuple[dict[str, pa.Array], dict[str, pa.Array], NDArray[np.int64]]:  # fmt: skip
    """Return figures of the visits and of the cases of each row, and the limits of `stage_rows`.

    `counts` and `left` are those of `_counts`: by block, or all in one where there are too many rows.
    """
    blocks, count = model.visits.blocks, counts.shape[1]
    known = len(counts) == len(blocks)
    completed = counts[:, :, 0] - counts[:, :, 1]
    over = [(block.dwell, own, block.states != OPEN) for block, own in zip(blocks, rows, strict=True)]
    values, offsets = kept_groups(over, count, threads, completed if known else None)
    dwell, p90 = figures_and_p90(values, offsets, threads=threads)
    if len(model.groups) > 1:
        over = [(block.dwell, block.stages, kept) for block, (*_, kept) in zip(blocks, over, strict=True)]
        values, offsets = kept_groups(over, model.width, threads)
        p90 = figures_and_p90(values, offsets, threads=threads)[1]
    closed = np.arange(model.width) >= model.order.open_stages
    limits = np.where((np.diff(offsets) < LEAST_COMPLETED) | closed, -1, p90)
    values, offsets = kept_groups(left, count, threads, _sizes(counts[:, :, 10], left) if known else None)
    return dwell, grouped_figures(values, offsets, "case_", threads=threads), limits


def _sizes(ended: NDArray[np.int64], left: list[Kept]) -> NDArray[np.int64]:
    """Return how many each part of `left` has of each row, where blocks have so many."""
    again = np.stack([np.bincount(rows, minlength=ended.shape[1]) for _, rows, _ in left[1::2]])
    return np.concatenate(np.stack((ended - again, again), axis=1))


def _notes(
    cases: NDArray[np.int64],
    completed: NDArray[np.int64],
    closed: NDArray[np.bool_],
    limited: NDArray[np.bool_],
) -> list[str | None]:
    found: list[str | None] = []
    for number, over, end, known in zip(cases, completed, closed, limited, strict=True):
        what = []
        if number == 0:
            what.append("no case was in it")
        elif over == 0 and not end:
            what.append("no visit is completed")
        if not end and not known:
            what.append(f"fewer than {LEAST_COMPLETED} completed visits, so nothing is called stuck")
        found.append("; ".join(what) or None)
    return found


def stuck_visits(visits: VisitBlock, order: StageOrder, limits: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the numbers of the visits that are not over and are longer than their stage's limit.

    The limit of a stage is the 90th percentile of its completed visits, rounded down to a microsecond; -1
    where there are fewer than `LEAST_COMPLETED`, or the stage is closed.
    """
    still = np.flatnonzero((visits.states == OPEN) & (visits.stages < order.open_stages))
    limit = limits[visits.stages[still]]
    return still[(limit >= 0) & (visits.dwell[still] > limit)]


def rows_of(model: StageModel, case_ids: Later[pa.LargeStringArray]) -> CaseRows:
    """Return the cases that were in the stage of each row of `Stages.table`."""
    told = model.joined
    was_in = told.pair_visits > 0
    count = len(model.groups) * model.width
    return CaseRows.of_pairs(case_ids, told.pair_rows[was_in], told.pair_cases[was_in], count)


def case_stage_table(model: StageModel, case_ids: Later[pa.LargeStringArray]) -> pa.Table:
    """Return `Stages.case_table`."""
    visits, told = model.visits.joined, model.joined
    pairs = len(told.pair_cases)
    order = np.lexsort((told.pair_ranks, told.pair_cases))
    returned = np.flatnonzero(told.kinds == RETURN)
    columns: dict[str, NDArray[Any]] = {
        "visits": told.pair_visits,
        "skipped": told.pair_visits == 0,
        "now": told.pair_open > 0,
        "returns_in": count_of(told.pairs[returned], pairs),
        "returns_out": count_of(told.pairs[returned - 1], pairs),
        "reentries": np.maximum(told.pair_visits - 1, 0).astype(np.int64),
        "pushes": count_of(told.pairs[visits.changed_by(PUSHED)], pairs),
        "amount_changes": count_of(told.pairs[visits.changed_by(AMOUNT)], pairs),
        "owner_changes": count_of(told.pairs[visits.changed_by(OWNER)], pairs),
    }
    dwell = told.pair_dwell[order]
    cases, names = told.pair_cases[order], np.array(model.order.names, dtype=object)
    taken = {name: values[order] for name, values in columns.items()}
    return table(
        {
            "case_id": case_ids().take(arrow(cases)),
            "stage": text(names[told.pair_ranks[order]].tolist()),
            "visits": taken.pop("visits"), "skipped": taken.pop("skipped"), "now": taken.pop("now"),
            "dwell_s": seconds(dwell), **taken,
        }
    )  # fmt: skip
