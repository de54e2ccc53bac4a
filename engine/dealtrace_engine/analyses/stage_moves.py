"""Moves between stages, the deals that are stuck, and the money in each stage."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.case_rows import CaseRows
from dealtrace_engine.analyses.money import UNITS, Amounts
from dealtrace_engine.analyses.stage_figures import count_of, money_of, nullable, seconds
from dealtrace_engine.analyses.stage_model import StageModel, stuck_visits
from dealtrace_engine.analyses.stage_visits import CLOSE, KINDS, LEFT, OPEN, PUSHED, SKIP
from dealtrace_engine.buffers import arrow, table, text, view
from dealtrace_engine.log import UTC_MICROSECONDS
from dealtrace_engine.results import Later


class Moves(NamedTuple):
    """Moves of cases, each array of shape (moves,); -1 is no stage."""

    cases: NDArray[np.int32]
    origins: NDArray[np.int32]
    targets: NDArray[np.int32]
    kinds: NDArray[np.int8]


def moves_of(model: StageModel) -> Moves:
    """Return the moves into each visit, and those out of the last stage of cases that left."""
    visits, told = model.visits.joined, model.joined
    left = np.flatnonzero(visits.states >= LEFT)
    return Moves(
        np.concatenate((visits.cases, visits.cases[left])),
        np.concatenate((told.origins, visits.stages[left])),
        np.concatenate((visits.stages, np.full(len(left), -1, dtype=np.int32))),
        np.concatenate((told.kinds, np.full(len(left), CLOSE, dtype=np.int8))),
    )


def transition_table(
    model: StageModel, moves: Moves, case_ids: Later[pa.LargeStringArray]
) -> tuple[pa.Table, CaseRows]:
    """Return `Stages.transitions`, and the cases of its rows."""
    width, kinds = model.width + 1, len(KINDS)
    group = model.groups.codes[moves.cases].astype(np.int64)
    keys = ((group * width + moves.origins + 1) * width + moves.targets + 1) * kinds + moves.kinds
    distinct, rows, counts = np.unique(keys, return_inverse=True, return_counts=True)
    order = np.lexsort((distinct, -counts))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    found = CaseRows.of_pairs(case_ids, place[rows], moves.cases, len(order))
    distinct = distinct[order]
    kind, rest = distinct % kinds, distinct // kinds
    target, rest = rest % width - 1, rest // width
    origin, groups = rest % width - 1, rest // width
    names = [*model.order.names, None]
    still = np.minimum(target, model.order.open_stages)
    passes = (kind == SKIP) | ((kind == CLOSE) & (target >= 0) & (origin < model.order.open_stages))
    passed = np.where(passes & (origin >= 0), still - origin - 1, 0)
    columns: dict[str, Any] = {
        **model.groups.columns(groups),
        "from": text([names[stage] for stage in origin]),
        "to": text([names[stage] for stage in target]),
        "kind": text([KINDS[number] for number in kind]),
        "passed": passed.astype(np.int64),
        "count": counts[order].astype(np.int64),
        "cases": np.diff(found.found()[1]),
    }
    return table(columns), found


def stuck_deals(
    model: StageModel, limits: NDArray[np.int64], amounts: Amounts | None,
    case_ids: Later[pa.LargeStringArray],
) -> pa.Table:  # fmt: skip
    """Return `Stages.stuck`.

    Parameters
    ----------
    model : StageModel
    limits : ndarray of int64, shape (stages,)
        See `stage_model.stuck_limits`.
    amounts : Amounts, optional
    case_ids : Later of pyarrow.LargeStringArray
    """
    import pyarrow.compute as pc  # late: 50 ms

    visits = model.visits.joined
    found = stuck_visits(visits, model.order, limits)
    cases = visits.cases[found]
    keys = table({"age": visits.dwell[found], "case": case_ids().take(arrow(cases))})
    order = view(pc.sort_indices(keys, sort_keys=[("age", "descending"), ("case", "ascending")]))
    found, cases = found[order], cases[order]
    age, limit = visits.dwell[found], limits[visits.stages[found]]
    columns: dict[str, Any] = {
        "case_id": case_ids().take(arrow(cases)),
        **model.groups.columns(model.groups.codes[cases].astype(np.int64)),
        "stage": text([model.order.names[stage] for stage in visits.stages[found]]),
        "since": arrow(visits.begins[found], UTC_MICROSECONDS),
        "age_s": seconds(age),
        "limit_s": seconds(limit),
        "times_limit": nullable(age / np.maximum(limit, 1), limit > 0),
        "pushes": count_of(visits.changed_by(PUSHED), len(visits.cases))[found].astype(np.int32),
    }
    if amounts is not None:
        columns["value"] = nullable(amounts.units[cases] / UNITS, amounts.known[cases])
        columns["currency"] = text([amounts.currencies[code] for code in amounts.of_case[cases]])
    return table(columns)


def stage_values(model: StageModel, limits: NDArray[np.int64], amounts: Amounts) -> pa.Table:
    """Return `Stages.values`; see `stuck_deals`."""
    currencies = len(amounts.currencies)
    count = len(model.groups) * model.width * currencies
    visits, told = model.visits.joined, model.joined
    in_it, is_open = np.flatnonzero(told.pair_visits > 0), np.flatnonzero(visits.states == OPEN)
    stuck = stuck_visits(visits, model.order, limits)
    chosen = {
        "": (told.pair_cases[in_it], told.pair_rows[in_it]),
        "now": (visits.cases[is_open], told.rows[is_open]),
        "stuck": (visits.cases[stuck], told.rows[stuck]),
    }
    columns: dict[str, Any] = {}
    for name, (cases, rows) in chosen.items():
        codes = rows * currencies + amounts.of_case[cases]
        columns[name or "cases"] = count_of(codes, count)
        columns[f"value_{name}" if name else "value"] = money_of(amounts, cases, codes, count)
        if not name:
            columns["unknown"] = count_of(codes[~amounts.known[cases]], count)
    kept = np.flatnonzero(columns["cases"])
    rows = kept // currencies
    named = {
        **model.groups.columns(rows // model.width),
        "stage": text([model.order.names[rank] for rank in rows % model.width]),
        "currency": text([amounts.currencies[code] for code in kept % currencies]),
    }
    return table(named | {name: values[kept] for name, values in columns.items()})
