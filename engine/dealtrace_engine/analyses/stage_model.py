"""Visits to ordered stages, what they are of their cases, and the figures of each stage and case."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.grouping import Groups
from dealtrace_engine.analyses.stage_figures import (
    Measure,
    count_of,
    duration_figures,
    grouped_figures,
    kept_counts,
    kept_groups,
    nullable,
    seconds,
)
from dealtrace_engine.analyses.stage_visits import OPEN, RETURN, StageOrder, StageVisits
from dealtrace_engine.buffers import arrow, table, text
from dealtrace_engine.parallel import blocks, map_blocks
from dealtrace_engine.percentiles import MICROSECONDS, values_at, wanted_ranks
from dealtrace_engine.results import Later

LEAST_COMPLETED = 10
"""Fewer completed visits say nothing of when a deal is stuck."""


@dataclass(frozen=True, eq=False)
class StageModel:
    """What follows of visits once stages have an order.

    Attributes
    ----------
    visits : StageVisits
        Their stages are ranks.
    order : StageOrder
    groups : Groups
    dwell : ndarray of int64, shape (visits,)
        Length of each visit in microseconds, until the end of what is looked at if it is not over.
    origins : ndarray of int32, shape (visits,)
    kinds : ndarray of int8, shape (visits,)
        See `kernels.stages.visit_kinds`.
    rows : ndarray of int64, shape (visits,)
        The group of the case times the number of stages, plus the stage.
    pairs : ndarray of int64, shape (visits,)
        Pair of a case and a stage.
    pair_cases, pair_ranks, pair_visits, pair_open : ndarray of int32, shape (pairs,)
        Also those that are passed over, which have no visit; and how many visits are not over.
    pair_dwell : ndarray of int64, shape (pairs,)
        Length of all visits.
    pair_rows : ndarray of int64, shape (pairs,)
        As `rows`.
    """

    visits: StageVisits
    order: StageOrder
    groups: Groups
    dwell: NDArray[np.int64]
    origins: NDArray[np.int32]
    kinds: NDArray[np.int8]
    rows: NDArray[np.int64]
    pairs: NDArray[np.int64]
    pair_cases: NDArray[np.int32]
    pair_ranks: NDArray[np.int32]
    pair_visits: NDArray[np.int32]
    pair_open: NDArray[np.int32]
    pair_dwell: NDArray[np.int64]
    pair_rows: NDArray[np.int64]

    @property
    def width(self) -> int:
        """Number of stages."""
        return len(self.order.names)

    @property
    def is_open(self) -> NDArray[np.bool_]:
        """Which visits are not over."""
        return np.asarray(self.visits.states == OPEN)


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
    dwell = (
        visits.ends - visits.begins
        if measure is None
        else measure(visits.begins, visits.ends, visits.cases.astype(np.int64))
    )
    offsets = np.concatenate(([0], np.flatnonzero(np.diff(visits.cases)) + 1, [len(visits)]))
    spans = [(int(offsets[first]), int(offsets[last])) for first, last in blocks(offsets)]
    ranks = order.ranks[visits.stages]
    parts = map_blocks(lambda span: _block(visits, ranks, dwell, order, *span), spans, threads=threads)
    before = np.cumsum([0, *(len(part[3]) for part in parts)])
    for part, start in zip(parts, before[:-1], strict=True):
        part[2] += start
    origins, kinds, pairs, of_case, of_rank, times, still, total = (
        np.concatenate(columns) for columns in zip(*parts, strict=True)
    )
    rows, pair_rows = ranks.astype(np.int64), of_rank.astype(np.int64)
    if len(groups) > 1:
        group = groups.codes.astype(np.int64) * len(order.names)
        rows, pair_rows = rows + group[visits.cases], pair_rows + group[of_case]
    return StageModel(
        replace(visits, stages=ranks), order, groups, dwell, origins, kinds, rows, pairs, of_case, of_rank,
        times, still, total, pair_rows,
    )  # fmt: skip


def _block(
    visits: StageVisits,
    ranks: NDArray[np.int32],
    lengths: NDArray[np.int64],
    order: StageOrder,
    first: int,
    last: int,
) -> list[NDArray[Any]]:
    """Return what follows of the visits of some cases; pairs are numbered from 0."""
    from dealtrace_engine.kernels.stages import stages_of_cases, visit_kinds

    span, count = slice(first, last), last - first
    cases, own, states = visits.cases[span], ranks[span], visits.states[span]
    origins, kinds = np.empty(count, dtype=np.int32), np.empty(count, dtype=np.int8)
    visit_kinds(cases, own, states, order.open_stages, origins, kinds)
    room = count + cases_of(cases) * order.open_stages
    pairs, counts = np.empty(count, dtype=np.int64), np.zeros(1, dtype=np.int64)
    of_case, of_rank, times, still = (np.empty(room, dtype=np.int32) for _ in range(4))
    dwell, slots = np.empty(room, dtype=np.int64), np.full(len(order.names), -1, dtype=np.int64)
    stages_of_cases(
        cases, own, states, kinds, origins, lengths[span], order.open_stages,
        order.lost, slots, pairs, of_case, of_rank, times, still, dwell, counts,
    )  # fmt: skip
    columns: list[NDArray[Any]] = [of_case, of_rank, times, still, dwell]
    return [origins, kinds, pairs, *(column[: counts[0]] for column in columns)]


def cases_of(cases: NDArray[np.int32]) -> int:
    """Return how many cases visits are of, which are in the order of the cases."""
    return int(np.count_nonzero(np.diff(cases))) + 1 if len(cases) else 0


def stage_rows(model: StageModel, threads: int | None = None) -> tuple[pa.Table, NDArray[np.int64]]:
    """Return `Stages.table`, and from which age on a deal is stuck.

    Returns
    -------
    table : pyarrow.Table
    limits : ndarray of int64, shape (stages,)
        In microseconds; below zero where too few visits are completed.
    """
    from dealtrace_engine.kernels.stages import visit_counts

    width, visits, groups = model.width, model.visits, len(model.groups)
    count = groups * width
    counts, in_it = np.zeros(8 * count, dtype=np.int64), model.pair_visits > 0
    visit_counts(
        model.rows,
        visits.stages,
        model.origins,
        model.kinds,
        visits.states,
        visits.changes.reshape(-1),
        counts,
    )
    number, now, returns_in, returns_out, pushes, amounts, owners, _ = counts.reshape(-1, 8).T.copy()
    was_in, skips = kept_counts(model.pair_rows, in_it, count)
    ranks = model.rows if groups == 1 else visits.stages.astype(np.int64)
    values, offsets = kept_groups(model.dwell, ranks, width, ~model.is_open)
    limits = stuck_limits(model, values, offsets, threads)
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
        **(
            grouped_figures(values, offsets, threads=threads)
            if groups == 1
            else duration_figures(model.dwell, model.rows, count, ~model.is_open, threads=threads)
        ),
        **duration_figures(
            model.pair_dwell, model.pair_rows, count, in_it & (model.pair_open == 0), "case_", threads=threads
        ),
        "skips": skips,
        "returns_in": returns_in,
        "returns_out": returns_out,
        "reentries": number - was_in,
        "now": now,
        "stuck": nullable(count_of(model.rows[stuck_visits(model, limits)], count), limited),
        "stuck_limit_s": nullable(limits[rank] / MICROSECONDS, limited),
        "pushes": pushes,
        "amount_changes": amounts,
        "owner_changes": owners,
        "note": text(_notes(was_in, number - now, closed, limited)),
    }
    return table(columns), limits


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


def stuck_limits(
    model: StageModel, values: NDArray[np.int64], offsets: NDArray[np.int64], threads: int | None = None
) -> NDArray[np.int64]:
    """Return the 90th percentile of the completed visits to each stage, rounded down to a microsecond.

    Parameters
    ----------
    model : StageModel
    values : ndarray of int64, shape (completed visits,)
        Their lengths, stage by stage.
    offsets : ndarray of int64, shape (stages + 1,)
    threads : int, optional

    Returns
    -------
    ndarray of int64, shape (stages,)
        -1 where there are fewer than `LEAST_COMPLETED`, or the stage is closed.
    """
    sizes = np.diff(offsets)
    low, high, part = wanted_ranks(sizes, [90])
    if len(values):
        found = values_at(values, offsets, np.hstack((low, high)), threads)
        limits = found[:, 0] + np.floor((found[:, 1] - found[:, 0]) * part[:, 0]).astype(np.int64)
    else:
        limits = np.zeros(model.width, dtype=np.int64)
    limits[(sizes < LEAST_COMPLETED) | (np.arange(model.width) >= model.order.open_stages)] = -1
    return limits


def stuck_visits(model: StageModel, limits: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the numbers of the visits that are not over and are longer than their stage's limit."""
    still = np.flatnonzero(model.is_open & (model.visits.stages < model.order.open_stages))
    limit = limits[model.visits.stages[still]]
    return still[(limit >= 0) & (model.dwell[still] > limit)]


def case_stage_table(model: StageModel, case_ids: Later[pa.LargeStringArray]) -> pa.Table:
    """Return `Stages.case_table`."""
    pairs, visits = len(model.pair_cases), model.visits
    order = np.lexsort((model.pair_ranks, model.pair_cases))
    returned = np.flatnonzero(model.kinds == RETURN)
    columns: dict[str, NDArray[Any]] = {
        "visits": model.pair_visits,
        "skipped": model.pair_visits == 0,
        "now": model.pair_open > 0,
        "returns_in": count_of(model.pairs[returned], pairs),
        "returns_out": count_of(model.pairs[returned - 1], pairs),
        "reentries": np.maximum(model.pair_visits - 1, 0).astype(np.int64),
        "pushes": count_of(model.pairs, pairs, visits.changes[:, 0]),
        "amount_changes": count_of(model.pairs, pairs, visits.changes[:, 1]),
        "owner_changes": count_of(model.pairs, pairs, visits.changes[:, 2]),
    }
    dwell = model.pair_dwell[order]
    cases, names = model.pair_cases[order], np.array(model.order.names, dtype=object)
    taken = {name: values[order] for name, values in columns.items()}
    return table(
        {
            "case_id": case_ids().take(arrow(cases)),
            "stage": text(names[model.pair_ranks[order]].tolist()),
            "visits": taken.pop("visits"), "skipped": taken.pop("skipped"), "now": taken.pop("now"),
            "dwell_s": seconds(dwell), **taken,
        }
    )  # fmt: skip
